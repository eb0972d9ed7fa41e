using Akka.Actor;
using Akka.Streams;
using Microsoft.Extensions.Logging;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Meta;

namespace Troupe.Kubernetes.Feeds;

public static class FeedContext
{
    /// <summary>The same for all objects of a kind that others in this process follow, too: one watch for all of them.</summary>
    public static void FollowShared<T>(this IActorContext context, IKubeClient kubernetes, TimeProvider time, ILogger log) where T : KubeObject
    {
        var self = (IInternalActorRef)context.Self;
        SharedFeeds.Of<T>(context.System, kubernetes, time, log).Follow(self, e =>
        {
            self.Tell(e, ActorRefs.NoSender);
            return !self.IsTerminated;
        });
    }

    /// <summary>Every event of a kind becomes a message to this actor, until it ends.</summary>
    public static void Follow<T>(this IActorContext context, IKubeClient kubernetes, FeedOptions options, TimeProvider time, ILogger log) where T : KubeObject
    {
        var self = context.Self;
        WatchFeed.Source<T>(kubernetes, options, time, log).RunForeach(e => self.Tell(e), context.Materializer());
    }
}
