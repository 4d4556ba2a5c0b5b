"""Formulas are read as they are written, and whatever is none gives one clear error."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import ProductError
from dtedask.products.derived import check_formula
from dtedask.products.derived.functions import FUNCTIONS
from dtedask.products.derived.parser import parse_formula
from dtedask.products.derived.tree import Binary, Call, Itself, Name, Number, Unary, written
from dtedask.products.derived.units import unit_of, unit_text

UNITS = ["", "", "m s**-1", "%", "degC", "mm", "kg m**-2", "K", "hPa", "1"]
NUMBERS = st.builds(
    Number,
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(UNITS).map(lambda text: text and unit_text(unit_of(text))),
)
KEYS = st.sampled_from([(), (("levelist", "500"),), (("levelist", "850"), ("step", "-6"))])
NAMES = st.builds(Name, st.sampled_from(["10u", "2t", "tp", "z", "228228", "f", "and", "T_2M", "min"]), KEYS)
LEAVES = st.one_of(NUMBERS, NAMES, st.just(Itself()))
SIGNS = ["+", "-", "*", "/", "^", "<", "<=", ">", ">=", "=", "!=", "and", "or"]


def _calls(trees):
    def arguments(name):
        function = FUNCTIONS[name]
        counts = {"min_size": function.least, "max_size": min(function.most, 4)}
        return st.builds(Call, st.just(name), st.lists(trees, **counts).map(tuple))

    return st.sampled_from(sorted(FUNCTIONS)).flatmap(arguments)


def _larger(trees):
    return st.one_of(
        st.builds(Unary, st.sampled_from(["-", "not"]), trees),
        st.builds(Binary, st.sampled_from(SIGNS), trees, trees),
        _calls(trees),
    )


TREES = st.recursive(LEAVES, _larger, max_leaves=12)


@pytest.mark.slow
@given(TREES)
def test_a_tree_that_is_written_and_read_is_the_same_tree(tree):
    text = written(tree)
    assert parse_formula(text) == tree
    assert written(parse_formula(text)) == text


TEXTS = st.text(max_size=60) | st.text(string.printable, max_size=60)
TEXTS |= st.text("f0 1.e+-*/^()<>=!,[]'\"%&|m", max_size=60)


def fault_of(read, text):
    """What is wrong with a text; None if nothing is. Any other error fails the test."""
    try:
        read(text)
    except ProductError as error:
        return error
    return None


@pytest.mark.slow
@given(TEXTS)
def test_any_text_is_a_formula_or_one_clear_error(text):
    error = fault_of(check_formula, text)
    assert error is None or "ormula" in error.message


@given(st.binary(max_size=200))
def test_any_bytes_are_a_formula_or_one_clear_error(data):
    error = fault_of(check_formula, data.decode("latin-1"))
    assert error is None or "ormula" in error.message


@pytest.mark.slow
@given(TREES, st.data())
def test_a_formula_with_a_letter_changed_is_a_formula_or_one_clear_error(tree, data):
    text = written(tree)
    place = data.draw(st.integers(0, len(text)))
    changed = text[:place] + data.draw(st.sampled_from("()[]^*-+<,'% 9e.§")) + text[place + 1 :]
    error = fault_of(parse_formula, changed)
    assert error is None or "column" in error.message


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("1 + 2 * f ** 2", "1 + (2 * (f ^ 2))"),
        ("f - 1 - 1", "(f - 1) - 1"),
        ("f / 2 / 2", "(f / 2) / 2"),
        ("2 * -f", "2 * (-f)"),
        ("not f > 3 or f < 1 and f > 0", "(not (f > 3)) or ((f < 1) and (f > 0))"),
        ("f == 3", "f = 3"),
        ("f <> 3", "f != 3"),
        ("f > 1 && f < 3 || !f", "(f > 1 and f < 3) or not f"),
        ("and(f > 1, f < 3)", "f > 1 and f < 3"),
        ("pow(f, 2) + neg(f)", "f ^ 2 + -f"),
        ("10u^2+10v^2", "(10u ^ 2) + (10v ^ 2)"),
        ("f1", "f"),
        ("5 m s**-1", "5 [m/s]"),
        ("5 m s^-1 * f", "5 [m s-1] * f"),
        ("80%", "80 [percent]"),
        (".5e1 + 1.", "5 + 1"),
        ("-5 degC", "-5 [degC]"),
        ("'10u'", '"10u"'),
        ("z[levelist=500,step=-6]", "z[ step = -6 , levelist = 500 ]"),
    ],
)
def test_what_is_written_in_two_ways_is_the_same(text, same):
    assert parse_formula(text) == parse_formula(same)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "empty"),
        ("f +", 4, "it ends here"),
        ("(f", 3, "it ends here, '\\)' is missing"),
        ("f) + 1", 2, "'\\)' cannot stand here"),
        ("-f^2", 1, "read in two ways"),
        ("f^2^3", 4, "read in two ways"),
        ("1 < f < 3", 7, "two comparisons"),
        ("foo(f)", 1, "no function 'foo'"),
        ("min(f)", 1, "takes 2 or more values, not 1"),
        ("sqrt(f, f)", 1, "takes 1 values, not 2"),
        ("f + 2 furlogs", 7, "no unit 'furlogs'"),
        ("5 m^f", 5, "whole number"),
        ("1e999", 1, "too large"),
        ("f $ 2", 3, "belongs into no formula"),
        ("'2t", 1, "quote is not closed"),
        ("z[500]", 2, "is no key"),
        ("z[levelist=500", 15, "is missing"),
        ("f + nonsuch", 5, "Unknown parameter"),
        ("f > 20mm", 5, "Unknown parameter"),
    ],
)
def test_an_error_says_where_with_a_caret_below(text, column, message):
    with pytest.raises(ProductError, match=f"column {column}: .*{message}") as caught:
        check_formula(text)
    shown = caught.value.message.splitlines()
    assert shown[-1].index("^") == column - 1 + 2
    assert shown[-2] == f"  {text}"


def test_a_number_that_grew_together_with_its_unit_is_told_apart():
    with pytest.raises(ProductError, match="'20 mm'"):
        check_formula("f > 20mm")


def test_a_formula_of_any_size_ends_in_an_error_and_not_in_a_crash():
    for text in ("(" * 3000 + "f", "-" * 3000 + "f", "f" + "+f" * 1900, "not " * 900 + "f", "f^" * 100, "f" * 5000):
        with pytest.raises(ProductError, match="column"):
            parse_formula(text)
