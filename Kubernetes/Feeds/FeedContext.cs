using Akka.Actor;
using Akka.Streams;
using Microsoft.Extensions.Logging;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Meta;

namespace Troupe.Kubernetes.Feeds;

public static class FeedContext
{
    /// <summary>Every event of a kind becomes a message to this actor, until it ends.</summary>
    public static void Follow<T>(this IActorContext context, IKubeClient kubernetes, FeedOptions options, TimeProvider time, ILogger log) where T : KubeObject
    {
        var self = context.Self;
        WatchFeed.Source<T>(kubernetes, options, time, log).RunForeach(e => self.Tell(e), context.Materializer());
    }
}
