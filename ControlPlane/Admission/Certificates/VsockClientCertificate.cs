using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Certificates;

/// <summary>
/// The certificate that node agents show to guests over VSOCK, and the authorities that guests are told of. Agents read these two objects, and
/// not the Secret that holds the authority's key.
/// </summary>
public sealed class VsockClientCertificate(IKubeClient kubernetes, string ns, RotationPolicy policy, TimeProvider time)
{
    /// <summary>Follows the authorities as they are now. What another replica has written in the same moment is as good.</summary>
    public async Task KeepAsync(CertificateSet set, CancellationToken ct)
    {
        try
        {
            // Whom to believe is said before anybody shows what they signed.
            await KeepBundleAsync(set.Bundle, ct);
            await KeepPairAsync(set.Authority, ct);
        }
        catch (KubeException e) when (e.IsConflict)
        {
            // Looked at again in a minute.
        }
    }

    /// <param name="pair">What there is; null when there is nothing, or nothing readable.</param>
    public static bool IsDue(KeyPair? pair, KeyPair authority, DateTimeOffset now, RotationPolicy policy)
    {
        if (pair is null)
            return true;
        using var certificate = X509Certificate2.CreateFromPem(pair.Certificate);
        using var issuer = X509Certificate2.CreateFromPem(authority.Certificate);
        return certificate.Issuer != issuer.Subject || now >= pair.Until || (now >= pair.Until - policy.ServingRenewBefore && pair.Until < authority.Until);
    }

    private async Task KeepBundleAsync(string bundle, CancellationToken ct)
    {
        var map = await kubernetes.FindAsync<ConfigMap>(ns, VsockCertificates.AuthorityMap, ct);
        if (map is null)
        {
            await kubernetes.CreateAsync(new ConfigMap
            {
                Metadata = new ObjectMeta { Name = VsockCertificates.AuthorityMap, Namespace = ns },
                Data = new Dictionary<string, string> { [VsockCertificates.BundleKey] = bundle },
            }, ct);
        }
        else if (map.Data?.GetValueOrDefault(VsockCertificates.BundleKey) != bundle)
        {
            await kubernetes.PatchAsync<ConfigMap>(ns, VsockCertificates.AuthorityMap, PatchType.Merge, new JsonObject
            {
                ["metadata"] = new JsonObject { ["resourceVersion"] = map.Metadata.ResourceVersion },
                ["data"] = new JsonObject { [VsockCertificates.BundleKey] = bundle },
            }, ct: ct);
        }
    }

    private async Task KeepPairAsync(KeyPair authority, CancellationToken ct)
    {
        var secret = await kubernetes.FindAsync<Secret>(ns, VsockCertificates.ClientSecret, ct);
        var now = time.GetUtcNow();
        if (!IsDue(PairOf(secret), authority, now, policy))
            return;
        var made = CertificateFactory.Client(authority, VsockCertificates.CommonName, now, policy.ServingLifetime);
        var (certificate, key) = (Encoding.UTF8.GetBytes(made.Certificate), Encoding.UTF8.GetBytes(made.Key));
        if (secret is null)
        {
            await kubernetes.CreateAsync(new Secret
            {
                Metadata = new ObjectMeta { Name = VsockCertificates.ClientSecret, Namespace = ns },
                Type = "kubernetes.io/tls",
                Data = new Dictionary<string, byte[]> { [VsockCertificates.CertificateKey] = certificate, [VsockCertificates.PrivateKey] = key },
            }, ct);
            return;
        }

        await kubernetes.PatchAsync<Secret>(ns, VsockCertificates.ClientSecret, PatchType.Merge, new JsonObject
        {
            ["metadata"] = new JsonObject { ["resourceVersion"] = secret.Metadata.ResourceVersion },
            ["data"] = new JsonObject { [VsockCertificates.CertificateKey] = Convert.ToBase64String(certificate), [VsockCertificates.PrivateKey] = Convert.ToBase64String(key) },
        }, ct: ct);
    }

    private static KeyPair? PairOf(Secret? secret)
    {
        if (secret?.Data?.GetValueOrDefault(VsockCertificates.CertificateKey) is not { Length: > 0 } certificate || secret.Data.GetValueOrDefault(VsockCertificates.PrivateKey) is not { Length: > 0 } key)
            return null;
        var pair = new KeyPair(Encoding.UTF8.GetString(certificate), Encoding.UTF8.GetString(key));
        try
        {
            using var readable = X509Certificate2.CreateFromPem(pair.Certificate, pair.Key);
            return pair;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            // Somebody wrote something else there; it is replaced.
            return null;
        }
    }
}
