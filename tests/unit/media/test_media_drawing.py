"""Drawing faces and names."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceprint.errors import ImageError
from faceprint.media import COLOURS, Mark, draw_faces
from faceprint.media.fonts import has_packaged_fonts, split_runs
from faceprint.media.labels import draw_labels, render_plate
from faceprint.media.script import clean_label, spell, visual_order
from faceprint.types import Decision, Image

GREEN = COLOURS[Decision.MATCH]

SCRIPTS = {
    "Latin": "Zoë Żółć Đặng",
    "Cyrillic": "Александр Їжак",
    "Greek": "Ελένη Παπά",
    "Arabic": "باراك أوباما پگچ",
    "Hebrew": "ברק אובמה",
    "Devanagari": "बराक क्षेत्र",
    "Thai": "บารัก โอบามา",
    "simplified Chinese": "奥巴马",
    "traditional Chinese": "歐巴馬",
    "Japanese": "バラク おばま 小畑 髙橋",
    "Korean": "버락 오바마",
    "Bengali": "বারাক",
    "Tamil": "பராக்",
    "Georgian": "ბარაკ",
    "Armenian": "Բարաք",
    "Ethiopic": "ባራክ",
}


def grey(height: int = 300, width: int = 400, value: int = 127) -> Image:
    return np.full((height, width, 3), value, np.uint8)


def mark(x1: float, y1: float, x2: float, y2: float, label: str = "", **options: object) -> Mark:
    box = np.array([x1, y1, x2, y2], np.float32)
    return Mark(box, options.get("landmarks"), label, options.get("colour", GREEN))  # type: ignore[arg-type]


def changed(before: Image, after: Image) -> tuple[slice, slice]:
    rows, columns = np.nonzero((before != after).any(axis=2))
    return slice(int(rows.min()), int(rows.max()) + 1), slice(
        int(columns.min()), int(columns.max()) + 1
    )


def test_draws_on_a_copy() -> None:
    image = grey()
    image.flags.writeable = False
    out = draw_faces(image, [mark(100, 100, 200, 220, "Ada Lovelace")])
    assert (image == 127).all()
    assert out.shape == image.shape
    assert (out != image).any()
    np.testing.assert_array_equal(draw_faces(image, []), image)


def test_outline_lies_on_the_box_and_leaves_the_face() -> None:
    out = draw_faces(grey(), [mark(100, 100, 200, 220)])
    for y, x in ((100, 150), (220, 150), (160, 100), (160, 200)):
        assert tuple(out[y, x]) == GREEN
    assert (out[110:210, 110:190] == 127).all()
    assert (out[:90] == 127).all()


def test_lines_and_letters_grow_with_image_and_face() -> None:
    def drawn(scale: int, face: int) -> int:
        image = grey(300 * scale, 400 * scale)
        out = draw_faces(
            image, [mark(100 * scale, 100 * scale, 100 * scale + face, 100 * scale + face, "Ada")]
        )
        return int((out != image).any(axis=2).sum())

    assert drawn(1, 100) < drawn(4, 400)
    assert drawn(4, 40) < drawn(4, 400)


def test_landmarks_are_dots() -> None:
    points = np.array([[130, 140], [170, 140], [150, 165], [135, 190], [np.nan, 190]], np.float32)
    out = draw_faces(grey(), [mark(100, 100, 200, 220, landmarks=points)])
    for x, y in points[:4].astype(int):
        assert tuple(out[y, x]) == GREEN


@pytest.mark.parametrize("value", [0, 127, 255])
def test_labels_read_on_any_background(value: int) -> None:
    image = grey(value=value)
    out = draw_faces(image, [mark(150, 150, 230, 240, "Ada")])
    above = out[120:148, 150:230].reshape(-1, 3)
    assert (above == GREEN).all(axis=1).mean() > 0.1
    assert (above < 60).all(axis=1).sum() > 20


@pytest.mark.parametrize("colour", [*COLOURS.values(), (0, 0, 0), (255, 255, 255), (0, 0, 160)])
def test_ink_stands_out_from_its_plate(colour: tuple[int, int, int]) -> None:
    def luminance(rgb: tuple[int, ...]) -> float:
        parts = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    plate = render_plate("Ada", 40, colour).reshape(-1, 3)
    furthest = max(map(tuple, plate.tolist()), key=lambda c: abs(luminance(c) - luminance(colour)))
    pair = sorted((luminance(colour), luminance(furthest)))
    assert (pair[1] + 0.05) / (pair[0] + 0.05) > 4.5


@pytest.mark.parametrize("corner", [(0, 0), (340, 0), (0, 240), (340, 240), (-40, -40), (380, 280)])
def test_labels_stay_inside(corner: tuple[int, int]) -> None:
    x, y = corner
    image = grey()
    bare = draw_faces(image, [mark(x, y, x + 60, y + 60)])
    out = draw_faces(image, [mark(x, y, x + 60, y + 60, "Alexander von Humboldt")])
    rows, columns = changed(bare, out)
    assert columns.stop - columns.start > 80
    assert rows.stop - rows.start > 10


def test_a_long_label_is_cut_to_the_image() -> None:
    out = draw_faces(grey(100, 90), [mark(20, 30, 70, 90, "Adrian " * 30)])
    assert out.shape == (100, 90, 3)


def test_labels_of_neighbours_do_not_cover_each_other() -> None:
    image = grey(200, 600)
    marks = [mark(x, 80, x + 60, 150, "Ada Lovelace") for x in (100, 170, 240)]
    bare = draw_faces(image, [mark(*item.box) for item in marks])
    alone = [
        int((draw_faces(image, [item]) != draw_faces(image, [mark(*item.box)])).sum())
        for item in marks
    ]
    together = draw_faces(image, marks)
    assert int((together != bare).sum()) > 0.97 * sum(alone)


def plate_offset(image: Image, colour: tuple[int, int, int], box: list[int]) -> tuple[int, int]:
    rows, columns = np.nonzero((image == colour).all(axis=2))
    return int(columns.min()) - box[0], int(rows.min()) - box[1]


def crossing_offsets(*, steady: bool) -> set[tuple[int, int]]:
    """Where the plate of the face that is drawn last lies, seen from its box, while they cross."""
    seen = set()
    for x in range(40, 460, 20):
        boxes = [[500 - x, 105, 562 - x, 180], [x, 100, x + 60, 170]]
        canvas = grey(300, 600)
        colours = [GREEN, COLOURS[Decision.UNKNOWN]]
        draw_labels(
            canvas,
            [
                (np.array(box, np.float32), "Ada Lovelace", colour)
                for box, colour in zip(boxes, colours, strict=True)
            ],
            steady=steady,
        )
        seen.add(plate_offset(canvas, colours[1], boxes[1]))
    return seen


def test_a_steady_label_keeps_its_place_while_faces_cross() -> None:
    assert len(crossing_offsets(steady=True)) == 1
    assert len(crossing_offsets(steady=False)) > 1


@pytest.mark.parametrize(
    ("y1", "y2", "low", "high"), [(100, 160, 60, 99), (5, 65, 66, 100), (5, 195, 5, 60)]
)
def test_a_steady_label_stands_above_below_or_inside(y1: int, y2: int, low: int, high: int) -> None:
    image = grey(200, 300)
    bare = draw_faces(image, [mark(100, y1, 160, y2)], steady=True)
    out = draw_faces(image, [mark(100, y1, 160, y2, "Ada")], steady=True)
    rows, _ = changed(bare, out)
    assert low <= rows.start < rows.stop <= high


@pytest.mark.skipif(not has_packaged_fonts(), reason="the package weblate-fonts is not installed")
@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_has_a_font(script: str) -> None:
    text = SCRIPTS[script]
    runs = split_runs(text)
    shown = "".join(run.text for run in runs)
    assert sorted(shown) == sorted(text)
    assert all("kurinto" in run.font for run in runs)


@pytest.mark.skipif(not has_packaged_fonts(), reason="the package weblate-fonts is not installed")
def test_letters_of_one_label_differ() -> None:
    """Missing letters would be drawn as one and the same box."""
    for text in SCRIPTS.values():
        letters = [char for char in dict.fromkeys(text) if char.isalpha()][:4]
        plates = [render_plate(char, 40, GREEN).tobytes() for char in letters]
        assert len(set(plates)) == len(plates)


@pytest.mark.parametrize("text", ["𓀀𓂀", "🎉🎉", "\U0010ffff", "\ufdd0", "᠑", "ﷺ"])
def test_what_has_no_font_is_spelled_out(text: str) -> None:
    out = draw_faces(grey(), [mark(100, 100, 200, 200, text)])
    assert out.shape == (300, 400, 3)


@pytest.mark.parametrize(
    ("char", "spelled"),
    [
        ("é", "e"),
        ("ﬁ", "fi"),
        ("ł", "l"),
        ("ю", "yu"),
        ("カ", "ka"),
        ("🎉", "[party popper]"),
        ("奥", "[U+5965]"),
    ],
)
def test_spelling(char: str, spelled: str) -> None:
    assert spell(char) == spelled


def test_labels_are_cleaned() -> None:
    assert clean_label(" Ada\n\tLovelace\u202e \0") == "Ada Lovelace"
    assert clean_label("e\u0301") == "é"
    assert clean_label("\ud800\u0007") == ""


def test_right_to_left_without_the_system_library() -> None:
    assert visual_order("Ada Lovelace 1815") == "Ada Lovelace 1815"
    assert visual_order("אבג דה 12") == "12 הד גבא"
    assert visual_order("Ada אבג דה 12") == "Ada הד גבא 12"
    beh_initial, alef_final, beh_isolated = "\ufe91", "\ufe8e", "\ufe8f"
    assert visual_order("باب") == beh_isolated + alef_final + beh_initial
    lam_alef = "\ufefb"
    assert visual_order("لا") == lam_alef


def test_colours_are_told_apart_by_everyone() -> None:
    """Simulated after Machado, Oliveira and Fernandes (2009) at full severity."""
    simulations = {
        "usual": np.eye(3),
        "protan": [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        "deutan": [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.01182, 0.04294, 0.968881],
        ],
        "tritan": [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.3039],
        ],
    }
    assert set(COLOURS) == set(Decision)
    for matrix in simulations.values():
        seen = [
            np.clip(np.array(matrix) @ (np.array(c) / 255) ** 2.2, 0, 1) ** (1 / 2.2)
            for c in COLOURS.values()
        ]
        for a, b in itertools.combinations(seen, 2):
            assert np.linalg.norm(a - b) > 0.2


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
def test_what_is_no_image_is_refused(image: Image) -> None:
    with pytest.raises(ImageError, match=r"\(H, W, 3\)"):
        draw_faces(image, [])


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.lists(
        st.tuples(
            st.lists(st.floats(width=32), min_size=4, max_size=4),
            st.text(max_size=12),
            st.tuples(*[st.integers(0, 255)] * 3),
        ),
        max_size=4,
    ),
)
def test_any_marks_can_be_drawn(
    size: tuple[int, int], faces: list[tuple[list[float], str, tuple[int, int, int]]]
) -> None:
    image = np.zeros((*size, 3), np.uint8)
    marks = [
        Mark(np.array(box, np.float32), np.array(box, np.float32).reshape(2, 2), label, colour)
        for box, label, colour in faces
    ]
    assert draw_faces(image, marks).shape == image.shape
