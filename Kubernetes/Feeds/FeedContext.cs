using Akka.Actor;
using Akka.Streams;
using Akka.Streams.Dsl;
using Microsoft.Extensions.Logging;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Meta;

namespace Troupe.Kubernetes.Feeds;

public static class FeedContext
{
    /// <summary>The same for all objects of a kind that others in this process follow, too: one watch for all of them.</summary>
    public static void FollowShared<T>(this IActorContext context, IKubeClient kubernetes, TimeProvider time, ILogger log) where T : KubeObject
    {
        var self = context.Self;
        // Over with this incarnation of the actor, as everything in its materializer is.
        var end = Source.Never<FeedEvent<T>>().WatchTermination((_, over) => over).To(Sink.Ignore<FeedEvent<T>>()).Run(context.Materializer());
        SharedFeeds.Of<T>(context.System, kubernetes, time, log).Follow(e =>
        {
            if (end.IsCompleted)
                return false;
            self.Tell(e);
            return true;
        });
    }

    /// <summary>Every event of a kind becomes a message to this actor, until it ends.</summary>
    public static void Follow<T>(this IActorContext context, IKubeClient kubernetes, FeedOptions options, TimeProvider time, ILogger log) where T : KubeObject
    {
        var self = context.Self;
        WatchFeed.Source<T>(kubernetes, options, time, log).RunForeach(e => self.Tell(e), context.Materializer());
    }
}
