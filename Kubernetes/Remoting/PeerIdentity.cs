using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Troupe.Kubernetes.Remoting;

/// <summary>Who this process is to its peers, and whom it takes for a peer: whoever holds a certificate of the same authority.</summary>
/// <remarks>Names are not compared: agents and replicas come and go under addresses that no certificate could list.</remarks>
internal sealed class PeerIdentity
{
    private readonly X509Certificate2Collection _authorities;

    private PeerIdentity(X509Certificate2 certificate, X509Certificate2Collection authorities) => (Certificate, _authorities) = (certificate, authorities);

    public X509Certificate2 Certificate { get; }

    /// <exception cref="InvalidDataException">A file holds no certificate, or the key does not belong to it; the message names the file.</exception>
    public static PeerIdentity Load(TlsFiles files)
    {
        X509Certificate2Collection authorities = [];
        try
        {
            authorities.ImportFromPemFile(files.Authority);
            if (authorities.Count == 0)
                throw new InvalidDataException($"{files.Authority} holds no certificate");
            return new PeerIdentity(X509Certificate2.CreateFromPemFile(files.Certificate, files.Key), authorities);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new InvalidDataException($"{files.Certificate}, {files.Key} or {files.Authority}: {e.Message}", e);
        }
    }

    /// <summary>Why the certificate is no peer's; null when it is.</summary>
    public string? Refusal(X509Certificate2? certificate)
    {
        if (certificate is null)
            return "it showed no certificate";
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate) ? null : string.Join(' ', chain.ChainStatus.Select(s => s.StatusInformation.Trim()));
    }
}
