using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Troupe.Launcher.Operations;
using Xunit;

namespace Troupe.Launcher.Tests.Operations;

public sealed class PngTests
{
    [Fact]
    public void A_pixmap_keeps_its_size_and_every_pixel()
    {
        byte[] pixels = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        var png = Png.FromPixmap([.. Encoding.ASCII.GetBytes("P6\n2 2\n255\n"), .. pixels]);
        Assert.Equal((2, 2), (BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20))));
        var length = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(33));
        using var zlib = new ZLibStream(new MemoryStream(png, 41, length), CompressionMode.Decompress);
        var rows = new byte[14];
        zlib.ReadExactly(rows);
        Assert.Equal([0, .. pixels[..6], 0, .. pixels[6..]], rows);
    }

    [Theory]
    [InlineData("P5\n2 2\n255\n")]
    [InlineData("P6\n2 2\n255\nx")]
    [InlineData("")]
    public void What_is_no_pixmap_is_refused(string image) => Assert.Throws<InvalidDataException>(() => Png.FromPixmap(Encoding.ASCII.GetBytes(image)));
}
