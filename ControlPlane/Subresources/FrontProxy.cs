using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Core;

namespace Troupe.ControlPlane.Subresources;

/// <summary>Who a request comes from, as the API server's front proxy says.</summary>
public sealed record Caller(string User, IReadOnlyList<string> Groups)
{
    /// <summary>What else its authenticator said.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Extra { get; init; } = new Dictionary<string, IReadOnlyList<string>>();
}

/// <summary>Believes X-Remote-User only from a client with the front proxy's certificate.</summary>
public sealed class FrontProxy(X509Certificate2Collection authorities, IReadOnlyList<string> allowedNames)
{
    /// <summary>Reads what the API server publishes for its extension servers.</summary>
    public static async Task<FrontProxy> LoadAsync(IKubeClient kubernetes, CancellationToken ct)
    {
        var map = await kubernetes.GetAsync<ConfigMap>("kube-system", "extension-apiserver-authentication", ct);
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPem(map.Data?.GetValueOrDefault("requestheader-client-ca-file") ?? throw new InvalidOperationException("the API server publishes no requestheader-client-ca-file"));
        return new FrontProxy(authorities, JsonSerializer.Deserialize<List<string>>(map.Data.GetValueOrDefault("requestheader-allowed-names") ?? "[]") ?? []);
    }

    private const string ExtraPrefix = "X-Remote-Extra-";

    /// <summary>Null when the request does not come through the front proxy.</summary>
    public Caller? CallerOf(HttpContext context)
    {
        if (context.Connection.ClientCertificate is not { } certificate || !IsProxy(certificate) || context.Request.Headers["X-Remote-User"].ToString() is not { Length: > 0 } user)
            return null;
        // One header for each group, which a proxy on the way may have joined by commas.
        return new Caller(user, [.. context.Request.Headers["X-Remote-Group"].OfType<string>().SelectMany(g => g.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))]) { Extra = ExtraOf(context.Request.Headers) };
    }

    /// <summary>A key is in lower case, with its odd characters escaped as in a URL.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> ExtraOf(IHeaderDictionary headers) => headers
        .Where(h => h.Key.StartsWith(ExtraPrefix, StringComparison.OrdinalIgnoreCase))
        .ToDictionary(h => Uri.UnescapeDataString(h.Key[ExtraPrefix.Length..].ToLowerInvariant()), IReadOnlyList<string> (h) => [.. h.Value.OfType<string>()]);

    private bool IsProxy(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        return chain.Build(certificate) && (allowedNames.Count == 0 || allowedNames.Contains(certificate.GetNameInfo(X509NameType.SimpleName, false)));
    }
}
