using CsCheck;
using Troupe.Messages.Api.Meta;
using Xunit;

namespace Troupe.Messages.Tests.Api;

public sealed class DurationTests
{
    [Theory]
    [InlineData("2h", 7200)]
    [InlineData("1h30m", 5400)]
    [InlineData("1.5h", 5400)]
    [InlineData("90s", 90)]
    [InlineData("1500ms", 1.5)]
    [InlineData("-1m", -60)]
    [InlineData("0", 0)]
    public void Gos_notation_is_read(string text, double seconds) => Assert.Equal(seconds, new Duration(text).Value.TotalSeconds, 6);

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("h")]
    [InlineData("1h 2m")]
    [InlineData("1d")]
    [InlineData("9999999999h")]
    public void Other_texts_are_no_durations(string text) => Assert.Throws<FormatException>(() => new Duration(text).Value);

    [Fact]
    public void What_is_written_is_read_back() =>
        Gen.Int[0, 10_000_000].Select(ms => TimeSpan.FromMilliseconds(ms)).Sample(t => Duration.Of(t).Value == t);
}
