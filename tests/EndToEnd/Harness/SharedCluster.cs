using Xunit;

namespace Troupe.EndToEnd.Harness;

/// <summary>One cluster for the tests of a class; each uses VMIs of its own.</summary>
public sealed class SharedCluster : IAsyncLifetime
{
    public TroupeCluster Cluster { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Cluster = await TroupeCluster.StartAsync();

    public ValueTask DisposeAsync() => Cluster is null ? ValueTask.CompletedTask : Cluster.DisposeAsync();
}
