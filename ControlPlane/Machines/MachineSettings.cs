using Akka.Actor;
using Troupe.ControlPlane.Machines.Vm;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Feeds;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Machines;

/// <summary>The cluster's settings for machines, kept up with the KubeVirt object in each process that hosts their actors.</summary>
public sealed class MachineSettings
{
    private volatile MachineConfig _current = new();

    public MachineConfig Current => _current;

    public void Follow(ActorSystem system, IKubeClient kubernetes, TimeProvider time, ILogger log) =>
        SharedFeeds.Follow<KubeVirt>(system, kubernetes, time, log, e => _current = e switch
        {
            FeedEvent<KubeVirt>.Observed o => MachineConfig.Of(o.Object.Spec?.Configuration),
            FeedEvent<KubeVirt>.Gone => new MachineConfig(),
            _ => _current,
        });
}
