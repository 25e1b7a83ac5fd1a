# SPDX-License-Identifier: GPL-3.0-or-later
"""Twenty ordinary sites, asked by a client while something else goes on: answered, late or failed."""
import threading
import time

import dns.exception
import dns.rcode

import lab as lab_module

LATE_S, LIMIT_S = 1.0, 5.0


class Bystander:
    def __init__(self, resolver, source, names, spacing_s):
        self.resolver, self.source, self.names, self.spacing_s = resolver, source, names, spacing_s
        self.answered = self.late = self.failed = 0
        self.is_ending = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        for name in self.names:
            if self.is_ending:
                return
            begin = time.monotonic()
            try:
                reply = lab_module.ask(self.resolver, name, timeout_s=LIMIT_S, source=self.source)
                is_good = reply.rcode() == dns.rcode.NOERROR and bool(reply.answer)
            except (dns.exception.DNSException, OSError):
                is_good = False
            if not is_good:
                self.failed += 1
            elif time.monotonic() - begin > LATE_S:
                self.late += 1
            else:
                self.answered += 1
            time.sleep(self.spacing_s)

    def finish(self):
        """All of them are asked, however long the rest took."""
        self.spacing_s = 0
        self.thread.join()
        return f"{self.answered}/{self.late}/{self.failed}"
