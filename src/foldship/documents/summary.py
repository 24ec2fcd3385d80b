"""What came of collecting, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from foldship.documents.collect import Collected
from foldship.documents.report import Outcome

_REASONS = 8  # reasons that are shown
_EXAMPLES = 2  # addresses with each


def lines(collected: Collected) -> list[str]:
    """Counts by outcome, time and speed; then what is missing, by reason with examples."""
    fetched = collected.fetched
    counts = ", ".join(f"{count} {outcome}" for outcome, count in fetched.counts.items() if count)
    result = [
        f"{len(fetched.documents)} documents: {counts or 'none'}",
        f"{fetched.requests} requests in {fetched.seconds:.1f} s, {fetched.per_second:.1f} a second",
        f"{collected.documents} could be read, {collected.passages} passages; {collected.folder}",
    ]
    missing = [
        (f"{result.outcome}: {result.reason}", result.url) for result in fetched.documents if not result.held
    ]
    missing += [(f"unreadable: {one.reason}", one.url) for one in collected.unread]
    result += _by_reason(missing)
    if not fetched.complete:
        asked_again = fetched.counts[Outcome.GAVE_UP]
        result.append(f"the same command again asks for these {asked_again} only; what came is kept")
    return result


def _by_reason(missing: Iterable[tuple[str, str]]) -> list[str]:
    missing = list(missing)
    counted = Counter(reason for reason, _ in missing).most_common()
    result = []
    for reason, count in counted[:_REASONS]:
        examples = [url for why, url in missing if why == reason][:_EXAMPLES]
        more = " ..." if count > len(examples) else ""
        result.append(f"  {count} {reason} ({', '.join(examples)}{more})")
    if rest := counted[_REASONS:]:
        result.append(f"  {sum(count for _, count in rest)} for {len(rest)} other reasons")
    return result
