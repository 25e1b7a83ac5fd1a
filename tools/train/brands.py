#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""brands.py SERVICES OUT POPULAR...: the labels that the detector `lookalike` protects.

Makes src/detect/data/brands.txt. SERVICES: lines "service, tab, domain" (v2fly/domain-list-community). Of a
service these labels are taken: its own name; what it has bought below three suffixes or more; those
of its domains that are among the first 3,000 of the POPULAR lists. Left out are: words of a language, numbers, labels
of less than five letters, and those that more than a few popular domains of others have in them, or
that have another one in them.
brand_targets.txt, beside this file, adds what is imitated most, words ("~") and short ones as well.

Lines of OUT: "label domain domain ...", the domains being those that look like the label; "~label ..." where
the label is a word, too; "!word" for words that are an edit away from a label, or look like it.
"""
import collections
import lzma
import pathlib
import re
import sys

DOMAIN = re.compile(r"^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$")
DICTIONARIES = ["american-english", "ngerman", "french", "spanish", "italian", "dutch", "portuguese", "polish"]
TARGETS = pathlib.Path(__file__).with_name("brand_targets.txt")
SUFFIXES = pathlib.Path("/usr/share/publicsuffix/public_suffix_list.dat")
# In dictionaries, but as the names of the brands themselves.
NO_WORDS = {"google", "facebook", "twitter", "lufthansa", "volkswagen"}
FEW, SHORTEST, NEAR, TOP = 12, 5, 8, 3000
ALIKE = str.maketrans("01i3458", "olleasb")


def lines(path):
    data = pathlib.Path(path).read_bytes()
    if str(path).endswith(".xz"):
        data = lzma.decompress(data)
    return data.decode("utf-8", "replace").splitlines()


def suffix_rules():
    icann = lines(SUFFIXES)
    return {line.strip() for line in icann if line and not line.startswith("//")}


RULES = suffix_rules()


def registered(domain):
    """(label, suffix), or None."""
    labels = domain.split(".")
    for i in range(len(labels)):
        suffix = ".".join(labels[i:])
        wild = "*." + ".".join(labels[i + 1:])
        if "!" + suffix in RULES:
            return labels[i], ".".join(labels[i + 1:])
        if suffix in RULES or wild in RULES:
            return (labels[i - 1], suffix) if i > 0 else None
    return None


def fold(label):
    """As glyphs_fold() in src/detect/glyphs.c."""
    return re.sub("rn|vv|cl", lambda m: {"rn": "m", "vv": "w", "cl": "d"}[m[0]], label).translate(ALIKE)


def shorter(label):
    return {label[:i] + label[i + 1:] for i in range(len(label))}


def is_one_edit(a, b):
    if a == b:
        return False
    if len(a) > len(b):
        a, b = b, a
    same = next((i for i in range(len(a)) if a[i] != b[i]), len(a))
    a, b = a[same:], b[same:]
    if len(b) == len(a) + 1:
        return a == b[1:]
    return len(a) == len(b) and (a[1:] == b[1:] or (len(a) > 1 and a[0] == b[1] and a[1] == b[0] and a[2:] == b[2:]))


def words():
    found = set()
    for name in DICTIONARIES:
        for word in lines(pathlib.Path("/usr/share/dict") / name):
            # Names have a capital letter; in German, all nouns have.
            if word.isascii() and word.isalpha() and (word.islower() or name == "ngerman"):
                found.add(word.lower())
    return found - NO_WORDS


def services(path):
    """service -> {label: {domain}}"""
    found = collections.defaultdict(lambda: collections.defaultdict(set))
    for line in lines(path):
        service, _, domain = line.lower().partition("\t")
        split = registered(domain) if DOMAIN.match(domain) else None
        if split and not service.startswith(("category-", "geolocation-", "tld-", "private")):
            found[service][split[0]].add(".".join(split))
    return found


def popular(paths):
    """All of them, and the first ones."""
    everything, top = set(), set()
    for path in paths:
        for i, line in enumerate(lines(path)):
            name = re.split(r"[\t,]", line.strip().lower())[-1]
            split = registered(name) if DOMAIN.match(name) else None
            if split:
                everything.add(split)
                if i < TOP:
                    top.add(".".join(split))
    return everything, top


def targets():
    found = {}
    for line in lines(TARGETS):
        if line and not line.startswith(("#", "!")):
            label, *domains = line.split()
            found[label.lstrip("~")] = (domains, label.startswith("~"))
    return found


def others():
    return {line[1:] for line in lines(TARGETS) if line.startswith("!")}


def choose(known, top, dictionary):
    """label -> domains"""
    chosen = collections.defaultdict(set)
    for service, labels in known.items():
        for label, domains in labels.items():
            is_name = label in (service, service.replace("-", ""))
            suffixes = {d.partition(".")[2] for d in domains}
            if not (is_name or len(suffixes) >= 3 or domains & top):
                continue
            if len(label) < SHORTEST or label.isdigit() or label in dictionary or label.startswith("xn--"):
                continue
            chosen[label] |= domains
    return chosen


def uses_by_others(everything, labels):
    """How many popular domains have the label as a part, in front or at the end, and are not its own."""
    count = collections.Counter()
    shortest = min(map(len, labels))
    for label, _ in everything:
        parts = set(label.split("-"))
        for n in range(shortest, len(label)):
            parts.add(label[:n])
            parts.add(label[-n:])
        count.update((parts - {label}) & labels)
    return count


def main(path, out, *lists):
    dictionary = words()
    known = services(path)
    everything, top = popular(lists)
    chosen = choose(known, top, dictionary)
    uses = uses_by_others(everything, set(chosen))
    dropped = {label for label in chosen if uses[label] > FEW}
    for label in dropped - set(targets()):
        del chosen[label]
    for label, (domains, _) in targets().items():
        chosen[label] |= set(domains)
    # paypal-login is of paypal's service, and not to be protected itself.
    for label in sorted(chosen):
        if label not in targets() and any(label[i:k] in chosen for i in range(len(label)) for k in
                                          range(i + SHORTEST, len(label) + 1) if k - i < len(label)):
            dropped.add(label)
    for label in dropped - set(targets()):
        chosen.pop(label, None)
    # What belongs to a service and looks like the label: bought to keep it from others.
    belongs = collections.defaultdict(set)
    for labels in known.values():
        domains = {d for all_of_it in labels.values() for d in all_of_it}
        for label in labels:
            if label in chosen:
                belongs[label] |= domains
    first = {label: domains[0] for label, (domains, _) in targets().items()}
    are_words = {label for label, (_, is_word) in targets().items() if is_word}
    rows = []
    for label in sorted(chosen):
        near = {d for d in belongs[label] if label in d or is_one_edit(d.split(".")[0], label)
                or fold(label) in fold(d)}
        main_one = first.get(label) or min(chosen[label], key=lambda d: (registered(d) not in everything, d != label + ".com", len(d), d))
        rest = sorted((chosen[label] | near) - {main_one})
        rows.append(("~" if label in are_words else "") + " ".join([label, main_one, *rest]))
    folds = {fold(label) for label in chosen if len(label) >= 4}
    deletes = collections.defaultdict(set)
    for label in chosen:
        if len(label) >= NEAR and label not in are_words:
            for key in shorter(label) | {label}:
                deletes[key].add(label)
    for word in sorted((dictionary | others()) - set(chosen)):
        near = {b for key in shorter(word) | {word} for b in deletes.get(key, ()) if is_one_edit(word, b)}
        if fold(word) in folds or near:
            rows.append("!" + word)
    head = ["# SPDX-License-Identifier: GPL-3.0-or-later AND MIT",
            "# Labels that are imitated, made by tools/train/brands.py from v2fly/domain-list-community (MIT) and",
            "# tools/train/brand_targets.txt. Do not edit."]
    pathlib.Path(out).write_text("\n".join(head + rows) + "\n", encoding="ascii")
    print(f"{len(chosen)} labels, {sum(r.count(' ') for r in rows)} domains, "
          f"{sum(r[0] == '!' for r in rows)} words, {len(dropped)} dropped: {' '.join(sorted(dropped)[:40])}")


main(*sys.argv[1:])
