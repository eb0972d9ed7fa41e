using Troupe.Messages.Protocol.Launcher;
using Troupe.NodeActors.Domains;
using Xunit;

namespace Troupe.NodeActors.Tests.Domains;

public sealed class NodeProbesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("troupe-probes-").FullName;

    [Fact]
    public void What_was_learned_is_known_to_the_next_agent()
    {
        var file = Path.Combine(_folder, "state", "probes.json");
        Assert.Null(new NodeProbes(file).Known);
        new NodeProbes(file).Learn([new EmulatorProbe("a.xml", new byte[] { 1, 2 })]);
        var known = Assert.Single(new NodeProbes(file).Known!);
        Assert.Equal("a.xml", known.File);
        Assert.Equal([1, 2], known.Content.ToArray());
    }

    [Fact]
    public void A_broken_file_is_as_good_as_none()
    {
        var file = Path.Combine(_folder, "probes.json");
        File.WriteAllText(file, "[{");
        Assert.Null(new NodeProbes(file).Known);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
