"""Problems in files."""

import pytest

from nnvm.errors import Error
from nnvm.packing.csv_files import pack_file, read, write
from nnvm.packing.portfolio import pack
from nnvm.packing.problem import Gap


def file(folder, text):
    path = folder / "problem.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_plain_columns(tmp_path):
    table = read(file(tmp_path, "id,lower,upper,size\na,0,3,10\nb,-2,2,6\n"), alignment=8)
    (a, b), (pool,) = table.problem.buffers, table.problem.pools
    assert (a.name, a.lower, a.upper, a.size) == ("a", 0, 3, 10)
    assert (b.name, b.lower, b.upper, b.size) == ("b", -2, 2, 6)
    assert (pool.alignment, pool.size) == (8, None)


def test_all_other_columns_and_ends_that_are_included(tmp_path):
    header = "\ufeffbuffer_id, start,end ,size,alignment,gaps,offset,hint,note\n"
    text = header + "x,0,9,16,4,2-3 5-6@0:8,,32,hi\ny,1,2,8,,,64,,\n"
    x, y = read(file(tmp_path, text)).problem.buffers
    assert (x.lower, x.upper, x.alignment, x.offset, x.hint) == (0, 10, 4, None, 32)
    assert x.gaps == (Gap(2, 4), Gap(5, 7, 0, 8))
    assert (y.upper, y.alignment, y.gaps, y.offset) == (3, 1, (), 64)


def test_offsets_are_written_beside_what_was_there(tmp_path):
    table = read(file(tmp_path, "id,size,lower,upper,note\na,10,0,3,first\nb,6,1,2,second\n"))
    out = tmp_path / "out.csv"
    write(out, table, pack(table.problem))
    assert out.read_text() == "id,size,lower,upper,note,offset\na,10,0,3,first,0\nb,6,1,2,second,10\n"
    again = read(out).problem
    assert [buffer.offset for buffer in again.buffers] == [0, 10]
    write(out, read(out), pack(again))
    assert out.read_text().splitlines()[1] == "a,10,0,3,first,0"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("id,lower,size\n", "has no column 'upper'; it has: id, lower, size"),
        ("id,lower,start,upper,size\n", "two columns that mean the same"),
        ("id,lower,upper,size\na,0,1\n", "line 2: it has 3 fields, and there are 4 columns"),
        ("id,lower,upper,size\na,0,1,4\nb,0,x,4\n", "line 3: upper is 'x', which is no integer"),
        ("id,lower,upper,size\na,0,1," + "9" * 5000 + "\n", "line 2: size is '9999"),
        ("id,lower,upper,size\na,0,1," + "9" * 50 + "\n", "line 2: buffer 'a' is no buffer"),
        ("id,lower,upper,size\na,2,1,4\n", "line 2: buffer 'a' is no buffer"),
        ("id,lower,upper,size,gaps\na,2,9,4,3\n", "'3' is no gap"),
        ("id,lower,upper,size,gaps\na,2,9,4,3-4@1\n", "'3-4@1' is no gap"),
        ("id,lower,upper,size,alignment\na,2,9,4,0\n", "aligned to 0"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, text, said):
    with pytest.raises(Error) as raised:
        read(file(tmp_path, text))
    assert said in str(raised.value)
    assert "problem.csv" in str(raised.value)


def test_a_file_that_is_not_there_and_one_that_is_no_text(tmp_path):
    with pytest.raises(Error, match="cannot be read"):
        read(tmp_path / "none.csv")
    (tmp_path / "raw.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Error, match="cannot be read"):
        read(tmp_path / "raw.csv")
    table = read(file(tmp_path, "id,lower,upper,size\n"))
    with pytest.raises(Error, match="cannot be written"):
        write(tmp_path / "no" / "where.csv", table, pack(table.problem))


def test_what_the_command_prints(tmp_path):
    path, out = file(tmp_path, "id,lower,upper,size\na,0,3,10\nb,1,2,6\n"), tmp_path / "out.csv"
    result = pack_file(path, out, alignment=4, effort=1000)
    assert {key: result[key] for key in ("buffers", "height", "lower_bound", "status")} == {
        "buffers": 2,
        "height": 20,
        "lower_bound": 20,
        "status": "optimal",
    }
    assert "fits" not in result
    assert out.exists()


def test_a_capacity_that_is_too_small_writes_nothing(tmp_path):
    path, out = file(tmp_path, "id,lower,upper,size\na,0,3,10\nb,1,2,6\n"), tmp_path / "out.csv"
    result = pack_file(path, out, capacity=15, effort=1000)
    assert (result["capacity"], result["fits"], out.exists()) == (15, False, False)
    assert pack_file(path, out, capacity=16)["fits"]
