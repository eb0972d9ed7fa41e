using Troupe.Shared;
using Xunit;

namespace Troupe.Launcher.Tests.Operations;

public sealed class ResidentSetTests
{
    [Fact]
    public void Only_pages_that_are_the_same_as_in_their_file_are_given_back()
    {
        string[] smaps =
        [
            "1000-3000 r-xp 00000000 00:2a 5472311                    /usr/bin/virt-launcher", "Rss:                   8 kB", "Anonymous:             0 kB",
            "3000-4000 r--p 00002000 00:2a 5472311                    /usr/bin/virt-launcher", "Rss:                   4 kB", "Anonymous:             4 kB",
            "4000-5000 rw-p 00003000 00:2a 5472311                    /usr/bin/virt-launcher", "Rss:                   4 kB", "Anonymous:             0 kB",
            "5000-6000 r--p 00000000 00:00 0 ", "Anonymous:             0 kB",
            "6000-7000 r-xp 00000000 00:00 0                          [vdso]", "Anonymous:             0 kB",
        ];
        Assert.Equal([(0x1000, 0x2000)], ResidentSet.Unchanged(smaps).Select(m => ((int)m.Start, (int)m.Length)));
    }

    [Fact]
    public void The_process_goes_on_after_it_gave_its_pages_back()
    {
        ResidentSet.GiveBack();
        Assert.Equal("abc", string.Concat("c", "b", "a").Reverse().Aggregate("", (s, c) => s + c));
    }
}
