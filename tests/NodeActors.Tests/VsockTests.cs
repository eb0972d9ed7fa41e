using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Troupe.NodeActors.Streams;
using Xunit;

namespace Troupe.NodeActors.Tests;

/// <summary>What is spoken over VSOCK, over unix sockets: no machine has to have the device.</summary>
public sealed class VsockTests : IStreamListener, IVsockTrust
{
    private readonly Socket _guests = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly X509Certificate2 _authority = Made("CN=kubevirt.io@1", null);
    private readonly X509Certificate2 _client;
    private string? _problem;

    public VsockTests()
    {
        _client = Made("CN=kubevirt.io:system:client:vsock", _authority);
        _guests.Bind(new UnixDomainSocketEndPoint($"\0vsock-{Guid.NewGuid():N}"));
        _guests.Listen();
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_guest_that_asks_for_the_authorities_gets_them_as_KubeVirts_service_gives_them()
    {
        await using var app = VsockAuthority.Build(new StreamListenerFactory(this), new VsockEndPoint(1), this);
        await app.StartAsync(Stop);
        using var guest = Guest();
        using var answer = await AskAsync(guest, VsockAuthority.CaBundle);
        var body = await answer.Content.ReadAsByteArrayAsync(Stop);
        Assert.Equal(("application/grpc", "0"), (answer.Content.Headers.ContentType!.MediaType, answer.TrailingHeaders.GetValues("grpc-status").Single()));
        // One frame, not compressed: its length, then field 1 with its own.
        var pem = Encoding.UTF8.GetString(body.AsSpan(5 + 1 + 2));
        Assert.Equal(_authority.ExportCertificatePem(), pem);
        Assert.Equal((0, body.Length - 5, 0x0A), (body[0], body[3] << 8 | body[4], body[5]));
        Assert.Equal(pem.Length, (body[6] & 0x7F) | body[7] << 7);
        using var unknown = await AskAsync(guest, "/kubevirt.vsock.system.v1.System/Other");
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
    }

    [Fact]
    public async Task A_guest_is_told_when_there_are_no_authorities_yet()
    {
        _problem = "ConfigMap kubevirt/kubevirt-ca is not there";
        await using var app = VsockAuthority.Build(new StreamListenerFactory(this), new VsockEndPoint(1), this);
        await app.StartAsync(Stop);
        using var guest = Guest();
        using var answer = await AskAsync(guest, VsockAuthority.CaBundle);
        await answer.Content.ReadAsByteArrayAsync(Stop);
        Assert.Equal(("14", Uri.EscapeDataString(_problem)), (answer.Headers.GetValues("grpc-status").Single(), answer.Headers.GetValues("grpc-message").Single()));
    }

    [Fact]
    public async Task A_service_in_the_guest_sees_that_the_cluster_is_calling()
    {
        var calling = CallAsync(Stop);
        using var itself = Made("CN=made-by-the-guest", null);
        var serving = ServeAsync(await AcceptAsync(Stop), itself);
        await using var secure = await GuestTls.SecureAsync(await calling, _client, Stop);
        await secure.WriteAsync("hello"u8.ToArray(), Stop);
        var answer = new byte[5];
        await secure.ReadExactlyAsync(answer, Stop);
        Assert.Equal("hello", Encoding.UTF8.GetString(answer));
        Assert.Equal(("CN=kubevirt.io:system:client:vsock", true, SslProtocols.Tls13), await serving);
    }

    [Fact]
    public async Task A_service_that_speaks_no_TLS_is_not_connected_to_and_the_caller_hears_what_to_do()
    {
        var calling = CallAsync(Stop);
        await using var plain = await AcceptAsync(Stop);
        await plain.WriteAsync("220 welcome to a service that talks first\r\n"u8.ToArray(), Stop);
        var error = await Assert.ThrowsAsync<IOException>(async () => await GuestTls.SecureAsync(await calling, _client, Stop));
        Assert.StartsWith("TLS with the guest's service: ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("; tls=false connects without", error.Message, StringComparison.Ordinal);
    }

    async Task<Stream> IStreamListener.AcceptAsync(CancellationToken ct) => await AcceptAsync(ct);

    Task<X509Certificate2> IVsockTrust.CertificateAsync(CancellationToken ct) => Task.FromResult(_client);

    Task<byte[]> IVsockTrust.BundleAsync(CancellationToken ct) => _problem is null ? Task.FromResult(Encoding.UTF8.GetBytes(_authority.ExportCertificatePem())) : throw new IOException(_problem);

    public void Dispose()
    {
        _guests.Dispose();
        _client.Dispose();
        _authority.Dispose();
    }

    private HttpClient Guest() => new(new SocketsHttpHandler { ConnectCallback = async (_, ct) => await CallAsync(ct) });

    private static async Task<HttpResponseMessage> AskAsync(HttpClient guest, string method)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://host" + method)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(new byte[5]) { Headers = { ContentType = new("application/grpc") } },
        };
        return await guest.SendAsync(request, Stop);
    }

    private async Task<Stream> AcceptAsync(CancellationToken ct) => new NetworkStream(await _guests.AcceptAsync(ct), ownsSocket: true);

    private async Task<Stream> CallAsync(CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(_guests.LocalEndPoint!, ct);
        return new NetworkStream(socket, ownsSocket: true);
    }

    /// <summary>As KubeVirt's example agent does it: any certificate that the cluster's authorities signed for a client.</summary>
    private async Task<(string? Caller, bool IsBelieved, SslProtocols Protocol)> ServeAsync(Stream stream, X509Certificate2 itself)
    {
        var believed = false;
        await using var secure = new SslStream(stream);
        await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificate = itself,
            ClientCertificateRequired = true,
            EnabledSslProtocols = SslProtocols.Tls13,
            RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            {
                using var chain = new X509Chain();
                chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                chain.ChainPolicy.CustomTrustStore.Add(_authority);
                chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
                chain.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.2"));
                return believed = certificate is X509Certificate2 shown && chain.Build(shown);
            },
        });
        var buffer = new byte[5];
        await secure.ReadExactlyAsync(buffer);
        await secure.WriteAsync(buffer);
        return (secure.RemoteCertificate?.Subject, believed, secure.SslProtocol);
    }

    private static X509Certificate2 Made(string subject, X509Certificate2? issuer)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        var (from, until) = (DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddHours(1));
        request.CertificateExtensions.Add(issuer is null
            ? new X509BasicConstraintsExtension(true, false, 0, true)
            : new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], false));
        using var certificate = issuer is null ? request.CreateSelfSigned(from, until) : request.Create(issuer, issuer.NotBefore, issuer.NotAfter, RandomNumberGenerator.GetBytes(8)).CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }
}
