using Akka.Event;
using Akka.Hosting;
using Akka.Remote.Hosting;
using Akka.Remote.Transport.DotNetty;
using Troupe.Messages.Wire;

namespace Troupe.Kubernetes.Remoting;

/// <summary>How actors of different processes speak with one another.</summary>
public static class RemotingConfiguration
{
    /// <summary>Every message of ours goes by its wire table; an unlisted one fails at the sender.</summary>
    public static AkkaConfigurationBuilder WithWireSerialization(this AkkaConfigurationBuilder builder) => builder.AddHocon($$"""
        akka.actor {
          serializers.troupe = "{{typeof(WireSerializer).FullName}}, {{typeof(WireSerializer).Assembly.GetName().Name}}"
          serialization-bindings { "{{typeof(IWireMessage).FullName}}, {{typeof(IWireMessage).Assembly.GetName().Name}}" = troupe }
          serialization-identifiers { "{{typeof(WireSerializer).FullName}}, {{typeof(WireSerializer).Assembly.GetName().Name}}" = {{WireSerializer.Id}} }
        }
        """, HoconAddMode.Prepend);

    public static AkkaConfigurationBuilder WithTroupeRemoting(this AkkaConfigurationBuilder builder, RemotingOptions options)
    {
        builder
            .WithRemoting(new RemoteOptions
            {
                HostName = options.Bind,
                PublicHostName = options.PublicHost,
                Port = options.Port,
            })
            // A hundred ticks a second, Akka's default, cost each process 3 % of a CPU for ever. Nothing here is timed more finely than this, and messages do not wait for a tick.
            .AddHocon("akka.scheduler.tick-duration = 50ms", HoconAddMode.Prepend)
            .AddHocon("akka.remote.dot-netty.tcp.maximum-frame-size = 4 MiB", HoconAddMode.Prepend);
        if (options.Tls is not { } files)
            return builder;
        var identity = PeerIdentity.Load(files);
        builder.AddHocon("akka.remote.dot-netty.tcp.enable-ssl = true", HoconAddMode.Prepend);
        builder.AddSetup(new DotNettySslSetup(identity.Certificate, suppressValidation: false, requireMutualAuthentication: true,
            customValidator: (certificate, _, peer, _, log) =>
            {
                if (identity.Refusal(certificate) is not { } refusal)
                    return true;
                log.Warning("peer {0} was refused: {1}", peer, refusal);
                return false;
            }));
        return builder;
    }
}
