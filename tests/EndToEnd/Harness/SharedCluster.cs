using Xunit;

namespace Troupe.EndToEnd.Harness;

/// <summary>One cluster for the tests of a class; each uses VMIs of its own.</summary>
public sealed class SharedCluster : IAsyncLifetime
{
    public TroupeCluster Cluster { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Cluster = await TroupeCluster.StartAsync();

    public ValueTask DisposeAsync() => Cluster is null ? ValueTask.CompletedTask : Cluster.DisposeAsync();
}

/// <summary>The same with several control planes.</summary>
public sealed class SharedReplicas : IAsyncLifetime
{
    public ReplicatedControlPlane Replicas { get; private set; } = null!;
    public TroupeCluster Cluster { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Replicas = await ReplicatedControlPlane.StartAsync();
        Cluster = await TroupeCluster.StartAsync(replicas: Replicas);
    }

    public async ValueTask DisposeAsync()
    {
        if (Cluster is not null)
            await Cluster.DisposeAsync();
        if (Replicas is not null)
            await Replicas.DisposeAsync();
    }
}
