import math
import re

import numpy as np
import pytest

from keras_recipes.arguments import (
    check_between,
    check_bool,
    check_choice,
    check_fraction,
    check_int,
    check_number,
    check_positive,
    check_str,
    optional,
)


@pytest.mark.parametrize(
    ("check", "value", "expected"),
    [
        (check_number, 1, 1.0),
        (check_number, np.float32(0.5), 0.5),
        (check_positive, 10**300, 1e300),
        (check_fraction, 1, 1.0),
        (check_int, np.int64(3), 3),
        (check_bool, False, False),
        (check_str, "loss", "loss"),
    ],
)
def test_a_check_returns_the_value_as_a_plain_type(check, value, expected):
    found = check("name", value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("check", "arguments", "message"),
    [
        (check_number, (True,), "must be a number. Received: x=True"),
        (check_number, ("1",), "must be a number. Received: x='1'"),
        (check_number, (math.nan,), "must be finite. Received: x=nan"),
        (
            check_number,
            (10**400,),
            "must be finite. Received: x=a whole number of about 401",
        ),
        (check_positive, (0,), "must be > 0 and finite. Received: x=0"),
        (check_positive, (math.inf,), "must be > 0 and finite. Received: x=inf"),
        (check_positive, ("1",), "must be a number. Received: x='1'"),
        (check_fraction, (1.5,), "must be <= 1. Received: x=1.5"),
        (check_between, (1, 0, 1), "must be between 0 and 1, both excluded. Received: x=1"),
        (check_int, (2.0,), "must be a whole number. Received: x=2.0"),
        (check_int, (np.True_,), "must be a whole number. Received: x="),
        (check_bool, (1,), "must be True or False. Received: x=1"),
        (check_str, ("",), "must be a non-empty string. Received: x=''"),
        (check_choice, ("c", ("a", "b")), "must be one of a, b. Received: x='c'"),
    ],
)
def test_an_error_says_what_was_expected_and_received(check, arguments, message):
    with pytest.raises(ValueError, match=re.escape(f"Argument `x` {message}")):
        check("x", *arguments)


@pytest.mark.parametrize(
    ("bounds", "message"),
    [({"gt": 3}, "> 3"), ({"ge": 3.5}, ">= 3.5"), ({"lt": 3}, "< 3"), ({"le": 2}, "<= 2")],
)
def test_bounds(bounds, message):
    with pytest.raises(ValueError, match=f"must be {message}. Received: x=3"):
        check_number("x", 3, **bounds)


def test_an_optional_argument_may_be_none():
    assert optional(check_int, "x", None, ge=1) is None
    assert optional(check_int, "x", 1, ge=1) == 1
    with pytest.raises(ValueError, match="must be >= 1"):
        optional(check_int, "x", 0, ge=1)
