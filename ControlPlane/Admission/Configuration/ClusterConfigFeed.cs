using Akka.Actor;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Feeds;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Admission.Configuration;

/// <summary>The cluster's settings as they are now; every replica follows the KubeVirt object itself.</summary>
public sealed class ClusterConfigFeed(ILoggerFactory logs)
{
    private readonly ILogger _log = logs.CreateLogger<ClusterConfigFeed>();
    private volatile ClusterConfig _current = ClusterConfig.Default;

    public ClusterConfig Current => _current;

    public void Start(ActorSystem system, IKubeClient kubernetes, TimeProvider time) =>
        SharedFeeds.Follow<KubeVirt>(system, kubernetes, time, _log, Take);

    internal void Take(FeedEvent<KubeVirt> e)
    {
        switch (e)
        {
            case FeedEvent<KubeVirt>.Observed { Object: var installation }:
                _current = ClusterConfigReader.Read(installation);
                _log.LogInformation("settings of {Namespace}/{Name} are in force", installation.Metadata.Namespace, installation.Metadata.Name);
                break;
            case FeedEvent<KubeVirt>.Gone:
                _current = ClusterConfig.Default;
                break;
        }
    }
}
