using System.CommandLine;
using System.Net.Security;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Troupe.Kubernetes.Remoting;
using Troupe.Messages.Protocol.Node;
using Troupe.Tests.Shared;
using Xunit;

namespace Troupe.Kubernetes.Tests.Remoting;

public sealed class RemotingTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly TestAuthority _authority = new();
    private readonly List<IHost> _hosts = [];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            await host.StopAsync();
            host.Dispose();
        }

        _authority.Dispose();
    }

    [Fact]
    public async Task Peers_of_one_authority_speak_with_one_another()
    {
        var (server, address) = await StartAsync(Sign("server"));
        var (client, _) = await StartAsync(Sign("client"));
        Assert.StartsWith("akka.ssl.tcp://", address, StringComparison.Ordinal);
        var answer = await client.ActorSelection($"{address}/user/echo").Ask<AgentWelcome>(new AgentWelcome("node-1", "agent"), Patience);
        Assert.Equal("node-1", answer.Node);
        Assert.NotNull(server);
    }

    [Fact]
    public async Task A_peer_of_another_authority_or_with_an_expired_certificate_or_without_TLS_is_not_heard()
    {
        using var stranger = new TestAuthority();
        var (_, address) = await StartAsync(Sign("server"));
        var (certificate, key) = stranger.Sign("foreign");
        foreach (var identity in new[] { new TlsFiles(certificate, key, _authority.Authority), Sign("expired", DateTimeOffset.UtcNow.AddMinutes(-1)), null })
        {
            var (client, _) = await StartAsync(identity);
            var peer = identity is null ? address.Replace("ssl.", "", StringComparison.Ordinal) : address;
            await Assert.ThrowsAsync<AskTimeoutException>(() => client.ActorSelection($"{peer}/user/echo").Ask<AgentWelcome>(new AgentWelcome("node-1", "agent"), TimeSpan.FromSeconds(3)));
        }
    }

    [Fact]
    public async Task A_connection_that_shows_no_certificate_is_closed()
    {
        var (_, address) = await StartAsync(Sign("server"));
        using var tcp = new TcpClient();
        await tcp.ConnectAsync("127.0.0.1", Address.Parse(address).Port!.Value);
        await using var tls = new SslStream(tcp.GetStream(), false, (_, certificate, _, _) => certificate is not null);
        using var deadline = new CancellationTokenSource(Patience);
        // TLS 1.3 lets the client believe that all is well until it reads.
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "server" }, deadline.Token);
            if (await tls.ReadAsync(new byte[1], deadline.Token) == 0)
                throw new EndOfStreamException();
        });
        Assert.False(deadline.IsCancellationRequested, "the connection was left open");
    }

    [Fact]
    public void A_port_beyond_loopback_needs_TLS_and_TLS_needs_all_its_files()
    {
        var files = Sign("server");
        Assert.Null(RemotingOptions.Problem("127.0.0.1", null, null, null));
        Assert.Null(RemotingOptions.Problem("::1", null, null, null));
        Assert.Null(RemotingOptions.Problem("0.0.0.0", files.Certificate, files.Key, files.Authority));
        Assert.Equal("--bind: actors that listen on 0.0.0.0 need TLS: give --tls-certificate, --tls-key and --tls-ca, or bind to 127.0.0.1", RemotingOptions.Problem("0.0.0.0", null, null, null));
        Assert.StartsWith("--bind: 'everywhere' is not an IP address", RemotingOptions.Problem("everywhere", null, null, null), StringComparison.Ordinal);
        Assert.StartsWith("--tls-key: missing", RemotingOptions.Problem("127.0.0.1", files.Certificate, null, files.Authority), StringComparison.Ordinal);
        Assert.Equal("--tls-ca: no file '/nowhere'", RemotingOptions.Problem("127.0.0.1", files.Certificate, files.Key, "/nowhere"));
    }

    [Theory]
    [InlineData("", "127.0.0.1", null)]
    [InlineData("--bind 127.0.0.2 --akka-port 7", "127.0.0.2", null)]
    [InlineData("--bind 0.0.0.0", null, "--tls-certificate")]
    public void A_command_line_is_understood_or_refused(string line, string? bind, string? problem)
    {
        var remoting = new RemotingCommandLine(port: 7);
        var command = new RootCommand();
        remoting.AddTo(command);
        var given = command.Parse(line);
        Assert.Equal(problem is not null, given.Errors.Count > 0);
        if (problem is not null)
            Assert.Contains(problem, given.Errors[0].Message);
        else
            Assert.Equal(new RemotingOptions(bind!, bind!, 7, null), remoting.Read(given));
    }

    [Fact]
    public void A_file_without_a_certificate_is_named()
    {
        var files = Sign("server");
        Assert.Contains(files.Key, Assert.Throws<InvalidDataException>(() => PeerIdentity.Load(files with { Authority = files.Key })).Message);
        Assert.Contains("client.key", Assert.Throws<InvalidDataException>(() => PeerIdentity.Load(files with { Key = Sign("client").Key })).Message);
    }

    [Theory]
    [InlineData("host:4053", "akka.tcp://troupe@host:4053")]
    [InlineData("troupe@host:4053", "akka.tcp://troupe@host:4053")]
    [InlineData("akka.ssl.tcp://troupe@host:4053/", "akka.tcp://troupe@host:4053")]
    public void A_peer_may_be_given_in_short(string given, string address) =>
        Assert.Equal(address, new RemotingOptions("127.0.0.1", "127.0.0.1", 0, null).Address(given, "troupe"));

    private TlsFiles Sign(string name, DateTimeOffset? notAfter = null)
    {
        var (certificate, key) = _authority.Sign(name, notAfter);
        return new TlsFiles(certificate, key, _authority.Authority);
    }

    private async Task<(ActorSystem System, string Address)> StartAsync(TlsFiles? tls)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddAkka("troupe", akka => akka.WithWireSerialization().WithTroupeRemoting(new RemotingOptions("127.0.0.1", "127.0.0.1", 0, tls))
            .ConfigureLoggers(l => l.ClearLoggers())
            .WithActors((system, _) => system.ActorOf(Props.Create(() => new Echo()), "echo")));
        var host = builder.Build();
        _hosts.Add(host);
        await host.StartAsync();
        var system = host.Services.GetRequiredService<ActorSystem>();
        return (system, ((ExtendedActorSystem)system).Provider.DefaultAddress.ToString());
    }

    private sealed class Echo : ReceiveActor
    {
        public Echo() => ReceiveAny(m => Sender.Tell(m));
    }
}
