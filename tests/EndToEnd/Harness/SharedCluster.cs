using Xunit;

namespace Troupe.EndToEnd.Harness;

/// <summary>One cluster for all tests that leave its parts and nodes alone; each uses objects of its own and takes them away.</summary>
public sealed class SharedCluster : OwnCluster
{
    public const string Collection = "the shared cluster";

    [CollectionDefinition(Collection)]
    public sealed class Definition : ICollectionFixture<SharedCluster>;
}

/// <summary>A cluster for the tests of a class.</summary>
public class OwnCluster : IAsyncLifetime
{
    public TroupeCluster Cluster { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Cluster = await TroupeCluster.StartAsync();

    public async ValueTask DisposeAsync()
    {
        if (Cluster is not null)
            await Cluster.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>One with several control planes.</summary>
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
