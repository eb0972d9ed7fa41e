using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.NodeActors.Streams;

/// <summary>What a guest goes by to know that the cluster is calling: the certificate that is shown, and the authorities behind it.</summary>
public interface IVsockTrust
{
    /// <exception cref="IOException">There is none; the message says where it should be.</exception>
    Task<X509Certificate2> CertificateAsync(CancellationToken ct);

    /// <returns>PEM.</returns>
    /// <exception cref="IOException">There is none; the message says where it should be.</exception>
    Task<byte[]> BundleAsync(CancellationToken ct);
}

/// <summary>What the control plane keeps in its namespace, under KubeVirt's names. Looked up each time, for both are replaced now and then.</summary>
public sealed class ClusterVsockTrust(IKubeClient kubernetes, string ns) : IVsockTrust
{
    public async Task<X509Certificate2> CertificateAsync(CancellationToken ct)
    {
        var data = (await FindAsync<Secret>(VsockCertificates.ClientSecret, ct).ConfigureAwait(false)).Data;
        if (data?.GetValueOrDefault(VsockCertificates.CertificateKey) is not { } certificate || data.GetValueOrDefault(VsockCertificates.PrivateKey) is not { } key)
            throw new IOException($"secret {ns}/{VsockCertificates.ClientSecret} has no {VsockCertificates.CertificateKey} or {VsockCertificates.PrivateKey}");
        try
        {
            using var pem = X509Certificate2.CreateFromPem(Encoding.UTF8.GetString(certificate), Encoding.UTF8.GetString(key));
            // A key that lives in the PEM object alone can't be used by the TLS stack.
            return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new IOException($"secret {ns}/{VsockCertificates.ClientSecret}: {e.Message}", e);
        }
    }

    public async Task<byte[]> BundleAsync(CancellationToken ct) =>
        (await FindAsync<ConfigMap>(VsockCertificates.AuthorityMap, ct).ConfigureAwait(false)).Data?.GetValueOrDefault(VsockCertificates.BundleKey) is { Length: > 0 } bundle
            ? Encoding.UTF8.GetBytes(bundle)
            : throw new IOException($"config map {ns}/{VsockCertificates.AuthorityMap} has no {VsockCertificates.BundleKey}");

    private async Task<T> FindAsync<T>(string name, CancellationToken ct) where T : Messages.Api.Meta.KubeObject
    {
        try
        {
            return await kubernetes.FindAsync<T>(ns, name, ct).ConfigureAwait(false) ?? throw new IOException($"{typeof(T).Name} {ns}/{name} is not there: the control plane has not made it yet");
        }
        catch (Exception e) when (e is KubeException or HttpRequestException)
        {
            throw new IOException($"{typeof(T).Name} {ns}/{name}: {e.Message}", e);
        }
    }
}
