using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Cli;

/// <summary>The current context of a kubeconfig: where the server is, what it is verified with, and the client's certificate.</summary>
internal sealed record Kubeconfig(Uri Server, X509Certificate2Collection Authorities, X509Certificate2? Client)
{
    /// <exception cref="InvalidDataException">The file names no server.</exception>
    public static Kubeconfig Read(string path)
    {
        var file = Yaml.Parse(File.ReadAllText(path));
        var context = Named(file, "contexts", file.Str("current-context"))["context"];
        var cluster = Named(file, "clusters", context.Str("cluster"))["cluster"];
        var user = Named(file, "users", context.Str("user"))["user"];
        var authorities = new X509Certificate2Collection();
        if (Pem(cluster, "certificate-authority") is { } authority)
            authorities.ImportFromPem(authority);
        return new Kubeconfig(new Uri(cluster.Str("server")?.TrimEnd('/') ?? throw new InvalidDataException($"{path}: the cluster has no server")), authorities,
            Pem(user, "client-certificate") is { } certificate && Pem(user, "client-key") is { } key ? Certificate(certificate, key) : null);

        JsonNode Named(JsonNode? of, string list, string? name) =>
            of.Arr(list)?.FirstOrDefault(item => item.Str("name") == name) ?? throw new InvalidDataException($"{path}: {list} has no \"{name}\"");

        // In the file itself, or in one beside it.
        string? Pem(JsonNode? of, string field) =>
            of.Str(field + "-data") is { } data ? Encoding.ASCII.GetString(Convert.FromBase64String(data))
            : of.Str(field) is { } name ? File.ReadAllText(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, name))
            : null;
    }

    public bool IsServer(X509Certificate? certificate)
    {
        if (certificate is not X509Certificate2 leaf)
            return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.AddRange(Authorities);
        return chain.Build(leaf);
    }

    private static X509Certificate2 Certificate(string certificate, string key)
    {
        using var pem = X509Certificate2.CreateFromPem(certificate, key);
        // TLS wants a key that is not only in memory as an ephemeral one.
        return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
    }
}
