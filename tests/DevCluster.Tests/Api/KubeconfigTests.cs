using Troupe.DevCluster.Cli;
using Xunit;

namespace Troupe.DevCluster.Tests.Api;

public sealed class KubeconfigTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("trp-kubeconfig-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_current_context_names_the_server_and_the_certificates()
    {
        await using var cluster = await DevClusterHost.StartAsync(new DevClusterOptions { StateDirectory = $"{_folder}/state", Nodes = 0, Port = 0 }, TestContext.Current.CancellationToken);
        var config = Kubeconfig.Read(cluster.Kubeconfig);
        Assert.Equal(new Uri(cluster.Url), config.Server);
        Assert.Equal(cluster.AdminCertificate.Thumbprint, config.Client?.Thumbprint);
        Assert.True(config.IsServer(cluster.AdminCertificate));
        Assert.Equal(cluster.CertificateAuthority.Thumbprint, Assert.Single(config.Authorities).Thumbprint);
    }

    [Fact]
    public void Certificates_may_lie_beside_the_file_and_a_missing_context_is_named()
    {
        var file = $"{_folder}/config";
        File.WriteAllText($"{_folder}/client.crt", "x");
        const string text = """
            clusters: [{name: c, cluster: {server: "https://127.0.0.1:1/"}}]
            users: [{name: u, user: {client-certificate: client.crt}}]
            contexts: [{name: x, context: {cluster: c, user: u}}]
            """;
        File.WriteAllText(file, text + "\ncurrent-context: x\n");
        Assert.Equal((new Uri("https://127.0.0.1:1"), null), (Kubeconfig.Read(file).Server, Kubeconfig.Read(file).Client));
        File.WriteAllText(file, text + "\ncurrent-context: z\n");
        Assert.Equal($"{file}: contexts has no \"z\"", Assert.Throws<InvalidDataException>(() => Kubeconfig.Read(file)).Message);
    }
}
