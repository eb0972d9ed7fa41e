using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Troupe.NodeActors.Streams;

/// <summary>
/// TLS over a stream to a guest: the guest sees by the client certificate that the cluster is calling, and not a process of its own. Who the
/// guest is stands in its context id, which the kernel vouches for; its certificate, mostly one that it made for itself, is not looked at.
/// </summary>
public static class GuestTls
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <param name="plain">Is the answer's from here on, and closed when there is none.</param>
    /// <exception cref="IOException">The guest's service does not speak TLS 1.3, or hung up.</exception>
    public static async Task<Stream> SecureAsync(Stream plain, X509Certificate2 certificate, CancellationToken ct)
    {
        var secure = new SslStream(plain, leaveInnerStreamOpen: false);
        try
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
            deadline.CancelAfter(Patience);
            await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "",
                EnabledSslProtocols = SslProtocols.Tls13,
                ClientCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true),
                CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
            }, deadline.Token).ConfigureAwait(false);
            return secure;
        }
        catch (Exception e) when (e is AuthenticationException or IOException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            await secure.DisposeAsync().ConfigureAwait(false);
            throw new IOException($"TLS with the guest's service: {(e is OperationCanceledException ? $"no answer within {Patience.TotalSeconds:0} s" : e.Message)}; tls=false connects without", e);
        }
        catch
        {
            await secure.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
