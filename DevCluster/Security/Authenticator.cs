using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Security;

/// <summary>Who is behind a client certificate or a bearer token; null is nobody, and nobody is refused.</summary>
internal sealed class Authenticator(Pki pki, ServiceAccountTokens tokens)
{
    private const int MaxRemembered = 4096;
    private readonly ConcurrentDictionary<string, UserInfo?> _certificates = new();

    /// <summary>By bearer token or client certificate; the front proxy's certificate vouches for the user in the X-Remote-* headers.</summary>
    public async ValueTask<UserInfo?> RequestAsync(HttpContext context)
    {
        var certificate = context.Connection.ClientCertificate;
        if (certificate is not null && context.Request.Headers.ContainsKey(RequestHeaders.User) && pki.FrontProxyAuthority.Issued(certificate)
            && certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false) == RequestHeaders.AllowedName)
            return RequestHeaders.Read(context.Request.Headers);
        var authorization = context.Request.Headers.Authorization.ToString();
        if (authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
            return Bearer(authorization[7..].Trim(), null, out _);
        certificate ??= await context.Connection.GetClientCertificateAsync(context.RequestAborted);
        return certificate is null ? null : Certificate(certificate);
    }

    public UserInfo? Certificate(X509Certificate2 certificate)
    {
        var now = DateTime.Now;
        if (certificate.NotAfter < now || certificate.NotBefore > now)
            return null;
        if (_certificates.Count > MaxRemembered)
            _certificates.Clear();
        // Building the chain costs a millisecond; a client sends the same certificate with each connection.
        return _certificates.GetOrAdd(certificate.GetCertHashString(HashAlgorithmName.SHA256), _ => Check(certificate));
    }

    public UserInfo? Bearer(string token, IReadOnlyList<string>? audiences, out IReadOnlyList<string> matched)
    {
        matched = audiences ?? [];
        if (CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(token), Encoding.UTF8.GetBytes(pki.AdminToken)))
            return new UserInfo("kubernetes-admin", "system:masters", "system:authenticated");
        return tokens.Verify(token, audiences, out matched);
    }

    private UserInfo? Check(X509Certificate2 certificate)
    {
        if (!pki.Authority.Issued(certificate))
            return null;
        string? user = null;
        var groups = new List<string>();
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames(reversed: false))
        {
            if (part.HasMultipleElements)
                continue;
            var value = part.GetSingleElementValue() ?? "";
            switch (part.GetSingleElementType().Value)
            {
                case "2.5.4.3":
                    user = value;
                    break;
                case "2.5.4.10":
                    groups.Add(value);
                    break;
            }
        }
        groups.Add("system:authenticated");
        return user is null ? null : new UserInfo(user, [.. groups]);
    }
}
