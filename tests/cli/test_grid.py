"""`dtedask grid show`."""

from dtedask.geo import Grid


def test_a_grid_is_shown_with_its_box(run):
    shown = run("grid show O32")
    assert shown.status == 0
    lines = {line[:22].strip(): line[22:].strip() for line in shown.out.splitlines()}
    assert (lines["grid"], lines["points"], lines["uid"]) == ("O32", "5,248", Grid("O32").uid)
    assert lines["north/west/south/east"] == "90/0/-90/360"


def test_json_has_a_description_that_makes_the_grid(run):
    shown = run("grid show 5/5 --area 60/-10/40/20 --json").lines[0]
    grid = Grid({"grid": [5, 5], "area": [60, -10, 40, 20]})
    assert (Grid(shown["spec"]), shown["uid"], shown["bounding_box"]) == (grid, grid.uid, [60, -10, 40, 20])


def test_points_are_written_one_a_line(run):
    assert run("grid show H1 --points").out.splitlines()[4:6] == ["0 0", "0 90"]
    assert run("grid show H1 --points --json").lines[4] == {"latitude": 0.0, "longitude": 0.0}


def test_what_is_no_grid_is_told(run):
    shown = run("grid show O32x")
    assert shown.status == 1
    assert "There is no grid 'O32x'" in shown.err
    assert run("grid show O32 --area here").status == 2
