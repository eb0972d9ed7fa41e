using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Troupe.DevCluster.Aggregation;

/// <summary>Whether a server that an object of the API points to (APIService, webhook) is the one its caBundle vouches for.</summary>
internal static class Trust
{
    /// <param name="bundle">PEM certificates; null for the system's roots.</param>
    /// <param name="certificate">What the server showed.</param>
    /// <param name="errors">What the platform found.</param>
    public static bool Holds(byte[]? bundle, X509Certificate2? certificate, SslPolicyErrors errors)
    {
        if (certificate is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            return false;
        if (bundle is null)
            return errors == SslPolicyErrors.None;
        var roots = new X509Certificate2Collection();
        roots.ImportFromPem(Encoding.ASCII.GetString(bundle));
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }

    /// <summary>Base64 of at least one PEM certificate.</summary>
    public static bool IsBundle(string base64)
    {
        try
        {
            var roots = new X509Certificate2Collection();
            roots.ImportFromPem(Encoding.ASCII.GetString(Convert.FromBase64String(base64)));
            return roots.Count > 0;
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return false;
        }
    }
}
