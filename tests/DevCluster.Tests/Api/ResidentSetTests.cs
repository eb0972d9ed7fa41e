using Troupe.Shared;
using Xunit;

namespace Troupe.DevCluster.Tests.Api;

public sealed class ResidentSetTests
{
    [Fact]
    public void Only_mappings_of_files_that_nobody_wrote_into_are_given_back()
    {
        string[] smaps =
        [
            "1000-3000 r-xp 00000000 fe:00 1 /bin/program", "Rss: 8 kB", "Anonymous:             0 kB",
            "4000-5000 r--p 00000000 fe:00 1 /bin/program", "Anonymous:             4 kB",
            "6000-7000 rw-p 00000000 fe:00 1 /bin/program", "Anonymous:             0 kB",
            "8000-9000 r--p 00000000 00:00 0 ", "Anonymous:             0 kB",
        ];
        Assert.Equal([(0x1000, 0x2000)], ResidentSet.Unchanged(smaps).Select(m => ((int)m.Start, (int)m.Length)));
    }
}
