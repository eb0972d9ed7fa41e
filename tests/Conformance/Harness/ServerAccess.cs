using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace Troupe.Conformance.Harness;

/// <summary>What a kubeconfig says about its server and how to get in.</summary>
public sealed record ServerAccess(string Url, X509Certificate2 Authority, X509Certificate2? Certificate, string? Token)
{
    public static async Task<ServerAccess> ReadAsync(string kubeconfig)
    {
        // kubectl reads every form of it, files and all.
        var text = (await new Kubectl(kubeconfig, Path.GetTempPath()).RunAsync("config view --raw --flatten --minify -o json")).Require();
        var config = JsonNode.Parse(text);
        return new ServerAccess(
            config.Text("clusters[0].cluster.server")!.TrimEnd('/'),
            X509Certificate2.CreateFromPem(Decoded(config.Text("clusters[0].cluster.certificate-authority-data")!)),
            config.Text("users[0].user.client-certificate-data") is { } certificate
                ? X509Certificate2.CreateFromPem(Decoded(certificate), Decoded(config.Text("users[0].user.client-key-data")!))
                : null,
            config.Text("users[0].user.token"));
    }

    public HttpClient Client(bool anonymous = false, Version? version = null)
    {
        var handler = new SocketsHttpHandler
        {
            SslOptions =
            {
                ClientCertificates = anonymous || Certificate is null ? [] : [Certificate],
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { Authority },
                    RevocationMode = X509RevocationMode.NoCheck,
                },
            },
        };
        var client = new HttpClient(handler)
        {
            BaseAddress = new Uri(Url),
            Timeout = TimeSpan.FromSeconds(60),
            DefaultRequestVersion = version ?? HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            DefaultRequestHeaders = { UserAgent = { new ProductInfoHeaderValue("conformance", "1") } },
        };
        if (!anonymous && Certificate is null && Token is not null)
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        return client;
    }

    private static string Decoded(string base64) => Encoding.UTF8.GetString(Convert.FromBase64String(base64));
}
