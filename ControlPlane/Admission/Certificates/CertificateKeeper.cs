using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Certificates;

/// <summary>
/// Keeps the serving certificate that all replicas share. Each looks at the Secret now and then and does the next step of a rotation when it
/// is due; a write that loses against another replica's is dropped, and what the other wrote is taken.
/// </summary>
public sealed class CertificateKeeper(
    IKubeClient kubernetes, string ns, IReadOnlyList<string> names, RotationPolicy policy, TimeProvider time, ILogger<CertificateKeeper> log,
    VsockClientCertificate? vsock = null)
{
    public const string SecretName = "kubevirt-virt-api-certs";
    private const int Attempts = 10;
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private volatile X509Certificate2? _current;
    private CertificateSet? _known;

    /// <summary>For the TLS handshake.</summary>
    public X509Certificate2? Current => _current;

    /// <summary>PEM; null before the first <see cref="RefreshAsync"/>.</summary>
    public string? Bundle => _known?.Bundle;

    /// <summary>Reads the Secret, makes or renews what is due, and takes the result into use.</summary>
    public async Task RefreshAsync(CancellationToken ct)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var secret = await kubernetes.FindAsync<Secret>(ns, SecretName, ct);
            var stored = secret is null ? null : CertificateSecret.Read(secret);
            var step = Rotation.Decide(stored, names, time.GetUtcNow(), policy);
            if (step is RotationStep.None)
            {
                Use(stored!);
                return;
            }

            var set = Rotation.Perform(step, stored, names, time.GetUtcNow(), policy);
            if (await StoreAsync(set, secret, ct))
                log.LogInformation("certificates: {Step}", step);
        }

        throw new InvalidOperationException($"secret {ns}/{SecretName} changes faster than it can be written");
    }

    /// <summary>Refreshes until it is stopped; what can't be done now is tried again.</summary>
    /// <param name="publish">Tells the API server which authorities to trust; called at once, and again after each change of them.</param>
    public async Task RunAsync(Func<string, CancellationToken, Task> publish, CancellationToken ct)
    {
        using var timer = new PeriodicTimer(Interval, time);
        string? published = null;
        do
        {
            try
            {
                await RefreshAsync(ct);
                if (published != Bundle)
                {
                    await publish(Bundle!, ct);
                    published = Bundle;
                }

                // Last: webhooks do not wait for what only guests with VSOCK need.
                if (vsock is not null)
                    await vsock.KeepAsync(_known!, ct);
            }
            catch (Exception e) when (e is HttpRequestException or KubeException)
            {
                log.LogWarning("certificates: {Error}", e.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(ct));
    }

    private void Use(CertificateSet set)
    {
        if (_known?.Serving != set.Serving)
            _current = set.Serving.ToX509();
        _known = set;
    }

    private async Task<bool> StoreAsync(CertificateSet set, Secret? replaced, CancellationToken ct)
    {
        try
        {
            var secret = CertificateSecret.Write(set, ns);
            if (replaced is null)
            {
                await kubernetes.CreateAsync(secret, ct);
                return true;
            }

            // Keys that the set no longer has are removed by null.
            var data = new JsonObject();
            foreach (var key in (replaced.Data?.Keys ?? []).Union(secret.Data!.Keys))
                data[key] = secret.Data!.TryGetValue(key, out var value) ? Convert.ToBase64String(value) : null;
            await kubernetes.PatchAsync<Secret>(ns, SecretName, PatchType.Merge,
                new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = replaced.Metadata.ResourceVersion }, ["data"] = data }, ct: ct);
            return true;
        }
        catch (KubeException e) when (e.IsConflict)
        {
            return false;
        }
    }
}

/// <summary>The certificates as data of a Secret.</summary>
internal static class CertificateSecret
{
    /// <summary>Null when the Secret does not hold a usable set.</summary>
    public static CertificateSet? Read(Secret secret)
    {
        if (Pair("ca.crt", "ca.key") is not { } authority || Pair("tls.crt", "tls.key") is not { } serving)
            return null;
        return new CertificateSet(authority, Pair("next-ca.crt", "next-ca.key"), Text("previous-ca.crt"), serving, Text("names")?.Split('\n') ?? []);

        KeyPair? Pair(string certificate, string key) => Text(certificate) is { } c && Text(key) is { } k ? new KeyPair(c, k) : null;

        string? Text(string key) => secret.Data?.GetValueOrDefault(key) is { Length: > 0 } bytes ? Encoding.UTF8.GetString(bytes) : null;
    }

    public static Secret Write(CertificateSet set, string ns)
    {
        var texts = new Dictionary<string, string?>
        {
            ["ca.crt"] = set.Authority.Certificate,
            ["ca.key"] = set.Authority.Key,
            ["next-ca.crt"] = set.Next?.Certificate,
            ["next-ca.key"] = set.Next?.Key,
            ["previous-ca.crt"] = set.Previous,
            ["tls.crt"] = set.Serving.Certificate,
            ["tls.key"] = set.Serving.Key,
            ["names"] = string.Join('\n', set.Names),
        };
        return new Secret
        {
            Metadata = new ObjectMeta { Name = CertificateKeeper.SecretName, Namespace = ns },
            Type = "Opaque",
            Data = texts.Where(t => t.Value is not null).ToDictionary(t => t.Key, t => Encoding.UTF8.GetBytes(t.Value!)),
        };
    }
}
