"""Words that tell whether a full stop ends a sentence; all in lower case, without their last stop."""

from __future__ import annotations

_NEVER = """
acad aff ann approx assoc biol c.f ca cf chem clin cv dept dr drs e.g ed eds eq eqs esp excl exp fig
figs gen i.e incl intl jr med mr mrs ms mt natl nos pharmacol phys physiol pp prep proc prof ref refs
resp rev sci sect ssp st str subsp suppl tab transl univ v var viz vol vs
"""
_BEFORE_NUMBER = """
apr art aug ch chap dec feb jan jul jun mar no nov nr oct p par sep sept
"""
_EITHER = """
a.m al b.i.d b.w co conc corp d.w etc i.m i.p i.v inc ltd m.d p.m p.o ph.d q.d q.i.d s.c sec sp spp sq
st.dev t.i.d temp wt
"""
_STARTERS = """
a after all also although an and as at because both but by compared conversely despite during each
finally for from furthermore given hence here how however if in indeed interestingly it its many
moreover most nevertheless no none not on one only other our overall patients results several similarly
since so some such that the their then there therefore these they this those three through thus to
together twelve two under using we what when whereas which while who with within
"""

# Something that belongs to them always follows.
NEVER = frozenset(_NEVER.split())
# A figure follows, or the sentence ends.
BEFORE_NUMBER = frozenset(_BEFORE_NUMBER.split())
# They may also end a sentence: one of the starters, with which many sentences begin, tells.
EITHER = frozenset(_EITHER.split())
STARTERS = frozenset(_STARTERS.split())
