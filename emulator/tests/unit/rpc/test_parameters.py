import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alicloud_emulator.products.rpc.parameters import (
    Arguments,
    Kind,
    Param,
    tag_filters,
    tag_pairs,
)
from alicloud_emulator.world.errors import ServiceError

TAG = (Param("Key", aliases=("key",)), Param("Value", aliases=("value",)))
PARAMS = {
    param.name: param
    for param in (
        Param("RegionId", required=True),
        Param("PageSize", Kind.INTEGER),
        Param("IsPublic", Kind.BOOLEAN),
        Param("ResourceId", Kind.LIST),
        Param("Features", Kind.STRUCT, members=(Param("NvmeSupport"),)),
        Param(
            "Disk",
            Kind.STRUCTS,
            members=(Param("Size", Kind.INTEGER), Param("Format")),
        ),
        Param("Names", Kind.JSON_LIST),
        Param("JsonTag", Kind.JSON_STRUCTS, members=TAG),
        Param("Tag", Kind.STRUCTS, members=TAG),
    )
}


def arguments(**flat: str) -> Arguments:
    return Arguments(
        PARAMS, {key.replace("_", "."): text for key, text in flat.items()}
    )


def refusal_of(**flat: str) -> str:
    with pytest.raises(ServiceError) as caught:
        arguments(**flat).check()
    return f"{caught.value.code} {caught.value.message}"


def test_values_have_types() -> None:
    given = arguments(
        RegionId="r", PageSize="20", IsPublic="True", Features_NvmeSupport="x"
    )
    given.check()
    assert given.text("RegionId") == "r"
    assert given.number("PageSize") == 20
    assert given.flag("IsPublic") is True
    assert given.struct("Features").text("NvmeSupport") == "x"
    assert arguments(IsPublic="fAlSe").flag_or_none("IsPublic") is False
    assert arguments().flag_or_none("IsPublic") is None
    assert arguments().number("PageSize", 10) == 10
    assert arguments(PageSize="").number_or_none("PageSize") is None


def test_lists_count_from_one_and_keep_their_order() -> None:
    given = arguments(
        ResourceId_2="b", ResourceId_10="c", ResourceId_1="a", ResourceId_0="z"
    )
    assert given.texts("ResourceId") == ["a", "b", "c"]
    rows = arguments(Disk_2_Size="7", Disk_1_Format="RAW", Disk_1_Size="5").structs(
        "Disk"
    )
    assert [(row.number("Size"), row.text("Format")) for row in rows] == [
        (5, "RAW"),
        (7, ""),
    ]


def test_tags_may_be_spelled_small_and_values_be_left_out() -> None:
    given = arguments(
        Tag_1_Key="a", Tag_1_Value="1", Tag_2_key="b", Tag_2_value="2", Tag_3_Key="c"
    )
    assert tag_pairs(given) == [("a", "1"), ("b", "2"), ("c", "")]
    assert tag_filters(given) == [("a", "1"), ("b", "2"), ("c", None)]


def test_some_lists_are_json_or_flat() -> None:
    assert arguments(Names='["a", 7]').texts("Names") == ["a", "7"]
    assert arguments(Names_1="a", Names_2="b").texts("Names") == ["a", "b"]
    (row,) = arguments(JsonTag='[{"Key": "k", "Value": "v"}]').structs("JsonTag")
    assert (row.text("Key"), row.text("Value")) == ("k", "v")
    (flat,) = arguments(JsonTag_1_Key="k").structs("JsonTag")
    assert flat.text("Key") == "k"


def test_what_is_missing_or_of_the_wrong_type_is_refused() -> None:
    assert refusal_of().startswith('MissingParameter The input parameter "RegionId"')
    assert refusal_of(RegionId="").startswith("MissingParameter")
    for wrong in (
        {"PageSize": "ten"},
        {"PageSize": "1e3"},
        {"PageSize": "٣"},
        {"PageSize": "9" * 20},
        {"IsPublic": "yes"},
        {"Disk_1_Size": "x"},
        {"Names": "{}"},
        {"Names": "[[]]"},
        {"Names": "["},
        {"Names": "[" * 100_000},
        {"JsonTag": '["x"]'},
    ):
        assert refusal_of(RegionId="r", **wrong).startswith("InvalidParameter ")


def test_using_an_undeclared_parameter_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        arguments(Secret="x").text("Secret")


def test_lists_are_bounded() -> None:
    flat = {f"ResourceId.{n}": "x" for n in range(1, 1002)}
    with pytest.raises(ServiceError):
        Arguments(PARAMS, flat).texts("ResourceId")


@given(
    st.dictionaries(
        st.sampled_from(sorted(PARAMS)).flatmap(
            lambda name: st.builds(name.__add__, st.text(".123Keyx", max_size=8))
        ),
        st.text(max_size=10),
    )
)
@settings(max_examples=300)
def test_no_input_breaks_the_parser(flat: dict[str, str]) -> None:
    try:
        Arguments(PARAMS, flat).check()
    except ServiceError as error:
        assert error.status == 400  # noqa: PT017  the only way to fail
