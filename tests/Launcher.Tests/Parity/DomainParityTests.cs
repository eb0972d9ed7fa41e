using Xunit;

namespace Troupe.Launcher.Tests.Parity;

public sealed class DomainParityTests(ITestOutputHelper output)
{
    [Fact]
    public void Domains_are_KubeVirts_but_for_the_differences_that_are_listed()
    {
        if (!DomainCase.AreAvailable)
            Assert.Skip($"KubeVirt's recorded answers are not in {DomainCase.Folder}");
        var parity = DomainParity.Run();
        output.WriteLine(parity.Report());
        Assert.Equal(parity.Cases, parity.EqualButForOwnWays);
    }
}
