"""The report of a drill: every section, at every stage of it, and nothing that a name could do."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import drills
import fakes
import pytest
from drills import SPEC, VALUES
from playwright.sync_api import Browser, Page, sync_playwright
from webpage import WebPage, check_harmless

from mnist_core.errors import UserError
from search.drill import spec as drill_spec
from search.drill.result import DrillResult
from search.drill.run import Drilled
from search.drill.spec import DrillSpec
from search.report.drill_steps import again, own
from search.report.drilled import write
from search.report.next_steps import MORE_SEEDS
from search.report.page import TEMPLATES
from search.report.sentences import status
from search.report.summary import summary
from search.report.tables import top, values
from search.text.markdown import code, escaped, table, to_html
from search.text.wording import change, digits, duration, listed, points
from spaces.catalogue import CATALOGUE
from spaces.dimensions import Real

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[trap](javascript:alert(1))",
    "![x](http://x.invalid/y.png)",
    "<http://x.invalid>",
    "**bold** _it_ `code` ~~gone~~ $x$",
    "a | b\n\n# heading\n\n---",
    "</title></style></script><svg/onload=alert(1)>",
    "{{ 7 * 7 }} {% raw %}",
    "&lt;b&gt; &#60;",
]


@pytest.fixture(scope="module")
def whole() -> DrillResult:
    return drills.drill()


@pytest.fixture(scope="module")
def folder(whole: DrillResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a drill that is over."""
    found = tmp_path_factory.mktemp("report")
    assert write(whole, found) == found / "drill.html"
    return found


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return (folder / "drill.md").read_text()


def _sections(text: str) -> list[str]:
    bare = re.sub("```.*?```", "", text, flags=re.DOTALL)  # in which # begins a comment
    return re.findall(r"^#{1,3} (.+)$", bare, re.MULTILINE)


def test_every_section_is_there(text: str):
    stage = ["Target", "Result", "Analysis"]
    assert _sections(text) == [
        "tiny: A made-up drill",
        "Result",
        "Stage 1: net",
        *stage,
        "Stage 2: pace",
        *stage,
        "What next",
        "How to run it again",
        "Where it was trained",
    ]
    assert "In the folder of this report:\n\n```sh\ndrilldown train best.toml --check\n```" in text
    assert str(SPEC.goal) in text
    assert "2 of 2 stages are over; nothing is missing." in text


def test_what_next_is_what_the_terminal_has(whole: DrillResult, tmp_path: Path):
    elsewhere = replace(whole, settings=("workers=1",), where=" --storage sqlite:///my.db")
    text = write(elsewhere, tmp_path).with_suffix(".md").read_text()
    said = text.partition("\n## What next\n\n")[2].partition("\n## ")[0]
    ended = Drilled(elsewhere, tmp_path, tmp_path / "best.toml", 0)
    told = summary(ended, "drilldown drill tiny", None, again(elsewhere))
    told = told.partition("\nWhat next, s")[2]
    why, *steps = told.splitlines()
    lines = [part for step in steps for part in re.split(": +", f"# {step}", maxsplit=1)]
    assert len(lines) >= 4
    assert said == f"S{why}\n\n```sh\n{chr(10).join(lines)}\n```\n"
    assert "drilldown drill tiny --set workers=1 --set goal.params=" in said


def test_what_next_of_a_drill_that_comes_along_says_what_its_file_does_not(whole: DrillResult):
    """It is read from that file again when its name is typed."""
    spec = drill_spec.load("shallow")[1]
    result = replace(whole, name="shallow", spec=spec, settings=("workers=1",))
    typed = "drilldown drill shallow --set workers=1"
    assert again(result).resumed() == typed
    assert own(result, again(result))[MORE_SEEDS] == "drilldown confirm shallow"
    other = replace(result, spec=spec.changed(seed=spec.seed + 1, base=("my net.toml",)))
    options = f" --start 'my net.toml' --seed {spec.seed + 1}"
    assert again(other).resumed() == typed + options
    mine = replace(other, name="mine")  # the storage has all of it
    assert again(mine).resumed() == typed.replace("shallow", "mine")


def _tables(text: str) -> list[list[list[str]]]:
    blocks = re.findall(r"(?:^\|.+\|\n)+", text, re.MULTILINE)
    return [
        [[cell.strip() for cell in line.strip("|\n").split(" | ")] for line in block.splitlines()]
        for block in blocks
    ]


def test_the_finalists_are_listed_with_every_seed(whole: DrillResult, text: str):
    finalists, seeds, *_ = _tables(text)
    best = whole.finalists[0]
    assert [line[0] for line in finalists[2:]] == [
        f"`{each.candidate.name}`" for each in whole.finalists
    ]
    assert finalists[2][1] == f"{best.candidate.config.params:,}"
    assert finalists[2][-1].endswith("of 3 seeds")
    assert len(seeds) == 2 + 2 * 3
    run = best.runs[0]
    final = " ".join(f"{accuracy:.2f}" for accuracy in run.test_acc[-3:])
    assert [str(run.seed), final] == seeds[3][1:3]


def test_tables_are_even(text: str):
    for block in _tables(text):
        assert len({len(line) for line in block}) == 1


def test_each_stage_lists_its_best_trials_and_what_they_varied(whole: DrillResult, text: str):
    stage = whole.stages[1]
    found = next(block for block in _tables(text) if "`averaging`" in block[0])
    numbers = [int(line[0].strip("`").partition("/")[2]) for line in found[2:]]
    assert numbers == [trial.number for trial in stage.complete[:5]]
    assert f"{stage.complete[0].sample['lr']:.3g}" in found[2]
    assert "the 7 widths (as far as the budget goes)" in text
    assert "Trials: 9 (8 complete, 1 pruned). Training time of them all: 15 min." in text


def test_sentences_on_accuracy_name_their_seeds(text: str):
    section = text.partition("## Stage 1")[2].partition("## How")[0]
    sentences = re.findall(r"^- .+$", section, re.MULTILINE)
    judged = [each for each in sentences if re.search(r"\d\d\.\d\d %|points to spare", each)]
    assert len(judged) >= 4
    assert all("seed" in each or "Goal:" in each for each in judged)


def test_the_figures_are_linked_and_there(folder: Path, text: str):
    linked = re.findall(r"!\[.+\]\((.+)\)", text)
    assert linked == [
        "figures/curves.svg",
        "figures/accuracy-by-parameters.svg",
        "figures/importance-1.svg",
        "figures/importance-2.svg",
    ]
    assert all((folder / address).read_text().startswith("<?xml") for address in linked)


def test_the_page_is_whole_and_asks_for_nothing(folder: Path):
    text = (folder / "drill.html").read_text()
    page = WebPage(text)
    check_harmless(page)
    policies = [value for tag, name, value in page.attributes if value.startswith("default-src")]
    assert policies == [
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    ]
    assert page.tags.count("svg") == 2 * 4  # for wide and for narrow screens
    assert page.tags.count("style") == 1
    assert page.tags.count("table") == len(_tables((folder / "drill.md").read_text()))
    addresses = set(re.findall(r"https?://[^\"'\s<>]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_the_same_drill_gives_the_same_bytes(whole: DrillResult, folder: Path, tmp_path: Path):
    again = tmp_path / "again"
    write(whole, again)
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert len(files) == 6
    for file in files:
        assert (again / file).read_bytes() == (folder / file).read_bytes()


def test_each_table_has_its_numbers_explained(text: str):
    after = re.findall(r"(?:^\|.+\|\n)+\n(.+)$", text, re.MULTILINE)
    assert len(after) == len(_tables(text))
    assert all(re.fullmatch(r"\*[^*]+\*", legend) for legend in after), after
    assert "Score: the mean of the last 3 epochs less its standard error." in after[0]


def test_what_is_not_the_whole_of_mnist_says_so_first(text: str, tmp_path: Path):
    line = "**Not the whole of MNIST: 20,000 of 60,000 training images, 10,000 of 10,000 test"
    assert text.splitlines()[2].startswith(line)
    write(drills.drill(_spec(data={}), stages=1, cut=9), tmp_path)
    assert "Not the whole" not in (tmp_path / "drill.md").read_text()


def _spec(**changes: Any) -> DrillSpec:
    return DrillSpec.from_dict({**VALUES, **changes})


@pytest.mark.parametrize("payload", HOSTILE)
def test_a_name_is_a_name_and_no_more(
    payload: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    odd = fakes.ENVIRONMENT.model_copy(update={"machine": payload})
    monkeypatch.setattr(fakes, "ENVIRONMENT", odd)
    result = drills.drill(_spec(title=payload), stages=1)
    stage = result.stages[0]
    bases = [replace(base, name=payload) for base in stage.bases]
    winners = [replace(winner, name=payload) for winner in stage.winners]
    named = replace(result, stages=[replace(stage, bases=bases, winners=winners)])
    page = WebPage(write(named, tmp_path).read_text())
    check_harmless(page)
    shown = " ".join(payload.split())
    assert page.text.count(shown) >= 4  # title, heading, base and winners, machine
    assert not {"del", "hr"} & set(page.tags)
    assert "49" not in page.text.partition("Goal")[0]  # 7 * 7
    text = (tmp_path / "drill.md").read_text()
    assert _sections(text)[1:3] == ["Result", "Stage 1: net"]
    for block in _tables(text.replace("\\|", "")):
        assert len({len(line) for line in block}) == 1


# --- As far as it has come


@pytest.mark.parametrize(
    ("how_far", "said"),
    [
        (
            {"stages": 1},
            "1 of 2 stages is over. Missing: stage 2 (pace) and the finalists on 2 fresh seeds.",
        ),
        (
            {"stages": 2, "cut": 5},
            "1 of 2 stages is over. Missing: 5 of 12 trials of stage 2 (pace) and the finalists on "
            "2 fresh seeds.",
        ),
        (
            {"finalists": False},
            "2 of 2 stages are over. Missing: the finalists on 2 fresh seeds.",
        ),
    ],
)
def test_what_is_missing_is_said(how_far: dict[str, Any], said: str, tmp_path: Path):
    result = drills.drill(**how_far)
    assert status(result) == said
    write(result, tmp_path)
    text = (tmp_path / "drill.md").read_text()
    assert said in text
    assert "So far **`" in text
    assert "How to run it again" not in text
    assert "figures/curves.svg" in text
    assert ("The best so far, each on 1 seed:" in text) == ("cut" in how_far)


def test_heads_of_tables_have_their_units(text: str):
    heads = {head for block in _tables(text) for head in block[0]}
    assert {"score (%)", "worst (%)", "gain (points)", "train − test (points)"} <= heads
    assert "last 3 epochs (%)" in heads
    assert (
        "mean of the last 3 epochs, all seeds (%) ± standard deviation between seeds (points)"
        in heads
    )
    without = {head for head in heads if not re.search(r"\(.+\)$", head)}
    counts = {
        "finalist",
        "seed",
        "trial",
        "trials",
        "stage",
        "best",
        "goal",
        "goal held",
        "referee",
    }
    named = {head for head in without if head.startswith("`")}  # numbers without one, and choices
    assert without <= counts | named | {"parameters", "dimension", "varied within"}


def test_dimensions_have_the_units_of_their_numbers(whole: DrillResult):
    kinds = {name: Real(0.0, 1.0) for name in CATALOGUE}
    heads = top(whole.stages[0], kinds, SPEC.goal).splitlines()[0]
    assert "`warmup` (share of the updates)" in heads
    rows = values(whole.stages[0], kinds, []).splitlines()
    for name, unit in (("step_size", "epochs"), ("average_over", "updates"), ("lr", "")):
        shown = f"`{name}` ({unit})" if unit else f"`{name}`"
        assert any(row.startswith(f"| {shown} | 0 to 1 |") for row in rows), rows


def test_a_stage_all_of_whose_trials_have_ended_lacks_a_winner():
    result = drills.drill(stages=1)
    stage = replace(result.stages[0], winners=())
    assert "Missing: a winner of stage 1 (net), stage 2" in status(replace(result, stages=[stage]))


def test_a_drill_that_has_just_begun(tmp_path: Path):
    result = drills.drill(stages=1, cut=9)
    write(result, tmp_path)
    text = (tmp_path / "drill.md").read_text()
    assert "0 of 2 stages are over. Missing: 9 of 9 trials of stage 1 (net), stage 2" in text
    assert "No trial has ended yet." in text
    assert "Vary `widths` and `layout`, around `plain`." in text
    assert not (tmp_path / "figures").exists()


def test_without_fresh_seeds_the_winner_is_the_searchs(tmp_path: Path):
    result = drills.drill(_spec(confirm=0))
    assert "nothing is missing" in status(result)
    write(result, tmp_path)
    text = (tmp_path / "drill.md").read_text()
    assert re.search(r"holds the goal on \*\*[01] of 1 seed\*\* \(its own and 0 fresh\)", text)


def test_failed_trainings_of_finalists_are_missing(whole: DrillResult):
    first, *others = whole.finalists
    result = replace(whole, finalists=[replace(first, runs=first.runs[:1]), *others])
    assert "Missing: 1 training of finalists, which failed." in status(result)


def test_each_stage_says_what_the_one_before_left_open(text: str):
    second = text.partition("## Stage 2")[2]
    assert re.search(r"- Stage 1 left this open: `net/\d+` (misses|holds) the goal", second)
    assert "Stage 0" not in text


def test_a_folder_that_cannot_be_written_is_said(whole: DrillResult, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write(drills.drill(stages=1, cut=9), tmp_path / "file")


# --- In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if found is None:
        pytest.skip("no browser: no chromium on PATH")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()


@pytest.mark.parametrize("width", [1200, 400])
def test_the_page_fits_the_screen(width: int, browser: Browser, folder: Path):
    page = browser.new_page(viewport={"width": width, "height": 900})
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((folder / "drill.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert said == []
    assert asked == [(folder / "drill.html").as_uri()]
    outside = """[...document.querySelectorAll("svg")].flatMap(svg => {
        const all = svg.getBoundingClientRect()
        return [...svg.querySelectorAll("[id*=text_]")].filter(text => {
            const box = text.getBoundingClientRect()
            return box.left < all.left || box.right > all.right + 1
                || box.top < all.top || box.bottom > all.bottom + 1
        }).map(text => text.id)
    })"""
    assert page.evaluate(outside) == []  # no text of a figure is cut off
    narrower = """[...document.querySelectorAll("svg")].map(svg => svg.getBoundingClientRect().width
        / svg.viewBox.baseVal.width).filter(scale => scale > 0)"""
    scales = page.evaluate(narrower)
    assert len(scales) == 4  # each figure once
    assert min(scales) > 1.2  # so that its text of 9 points is one of 11 pixels at least
    page.close()


def _colours(page: Page) -> list[list[int]]:
    """(red, green, blue) of the page's text, of what its numbers stand on, of a figure's text, and
    of what that stands on."""
    read = """() => {
        const svg = [...document.querySelectorAll("svg")].find(svg => svg.clientWidth)
        const figure = what => getComputedStyle(svg.querySelector(what)).fill
        const body = getComputedStyle(document.body)
        return [body.color, body.backgroundColor, figure("[id*=text_] g"), figure("path")]
    }"""
    return [[int(part) for part in re.findall(r"\d+", each)[:3]] for each in page.evaluate(read)]


@pytest.mark.parametrize(
    ("media", "scheme", "dark"),
    [("screen", "light", False), ("screen", "dark", True), ("print", "dark", False)],
)
def test_what_is_dark_is_dark_in_all_its_parts_and_paper_is_white(
    media: Any, scheme: Any, dark: bool, browser: Browser, folder: Path
):
    page = browser.new_page(viewport={"width": 720, "height": 900})
    page.emulate_media(media=media, color_scheme=scheme)
    page.goto((folder / "drill.html").as_uri())
    text, ground, drawn, behind = _colours(page)
    assert all(max(colour) < 60 for colour in ((ground, behind) if dark else (text, drawn)))
    assert all(min(colour) > 200 for colour in ((text, drawn) if dark else (ground, behind)))
    if media == "print":
        assert (text, ground) == ([0, 0, 0], [255, 255, 255])
    page.close()


def test_no_column_is_out_of_sight_without_a_sign(browser: Browser, folder: Path):
    """A narrow screen has the cells one below the other, each with its head; a wide one all columns
    beside each other, or a table that scrolls, with shades at its edges."""
    page = browser.new_page(viewport={"width": 400, "height": 900})
    page.goto((folder / "drill.html").as_uri())
    out = """[...document.querySelectorAll("td")].filter(td =>
        td.getBoundingClientRect().right > innerWidth || !td.dataset.head).length"""
    assert page.evaluate(out) == 0
    page.set_viewport_size({"width": 660, "height": 900})
    page.evaluate("document.querySelectorAll('th').forEach(th => th.style.minWidth = '9rem')")
    wide = """[...document.querySelectorAll(".table")].filter(div => div.scrollWidth
        > div.clientWidth).map(div => getComputedStyle(div))
        .map(style => [style.overflowX, style.backgroundImage.split("gradient").length - 1])"""
    found = page.evaluate(wide)
    assert found
    assert all(each == ["auto", 4] for each in found)
    page.close()


# --- Words


def test_words():
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert (points(0.004), points(0.005), points(0.12)) == (
        "less than 0.01 points",
        "0.01 points",
        "0.12 points",
    )
    assert [duration(s) for s in (5, 95, 3600, 3725)] == ["5 s", "2 min", "1 h 0 min", "1 h 2 min"]
    assert [change(size) for size in (-0.001, 0.126, -0.2)] == ["+0.00", "+0.13", "-0.20"]
    shown = [digits(number) for number in (0.00123456, 72.31, 999.4, 999.6, 1000.0, 12345.6)]
    assert shown == ["0.00123", "72.3", "999", "1,000", "1,000", "12,346"]
    assert code("net/3") == "`net/3`"
    assert code("a`b") == "a\\`b"
    assert escaped("a_b\n* c") == "a\\_b \\* c"
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| :--- | ---: |\n| 1 | 2 |"


def test_an_image_that_is_not_known_is_its_description():
    assert to_html("![a <b>](x.svg)", {}) == "<p>a &lt;b&gt;</p>\n"


def test_templates_are_found():
    assert TEMPLATES.list_templates() == [
        "drill.md.jinja",
        "page.css",
        "page.html.jinja",
        "study.md.jinja",
    ]
