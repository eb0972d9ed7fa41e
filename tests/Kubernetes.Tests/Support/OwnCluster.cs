using Troupe.DevCluster;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Meta;

namespace Troupe.Kubernetes.Tests.Support;

/// <summary>A real API server in this process, and our client to it over TLS.</summary>
internal sealed class OwnCluster : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("trp-kube-").FullName;

    private OwnCluster()
    {
    }

    public DevClusterHost Host { get; private set; } = null!;

    public KubeClient Client { get; private set; } = null!;

    public static async Task<OwnCluster> StartAsync()
    {
        var cluster = new OwnCluster();
        cluster.Host = await DevClusterHost.StartAsync(new DevClusterOptions
        {
            StateDirectory = Path.Combine(cluster._folder, "state"),
            BookmarkInterval = TimeSpan.FromMilliseconds(200),
        });
        cluster.Client = KubeClient.FromKubeconfig(cluster.Host.Kubeconfig);
        return cluster;
    }

    public Task<ConfigMap> CreateAsync(string name, string value = "1") => Client.CreateAsync(new ConfigMap
    {
        Metadata = new ObjectMeta
        {
            Name = name,
            Namespace = "default",
            Labels = new Dictionary<string, string> { ["test"] = "yes" },
        },
        Data = new Dictionary<string, string> { ["value"] = value },
    });

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Host.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
