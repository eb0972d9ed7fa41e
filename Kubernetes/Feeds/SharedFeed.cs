using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Streams;
using Microsoft.Extensions.Logging;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Meta;

namespace Troupe.Kubernetes.Feeds;

/// <summary>One list and watch of a kind for all in a process who follow all of it; whoever comes later is told what there is first.</summary>
internal sealed class SharedFeed<T> where T : KubeObject
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string?, string?), T> _known = [];
    private readonly List<Func<FeedEvent<T>, bool>> _listeners = [];
    private bool _isSynced;

    public SharedFeed(IKubeClient kubernetes, TimeProvider time, ILogger log, IMaterializer materializer) =>
        WatchFeed.Source<T>(kubernetes, new FeedOptions(), time, log).RunForeach(Take, materializer);

    /// <param name="tell">False when it wants to hear no more. Must not wait.</param>
    public void Follow(Func<FeedEvent<T>, bool> tell)
    {
        lock (_gate)
        {
            _listeners.Add(tell);
            foreach (var obj in _known.Values)
                tell(new FeedEvent<T>.Observed(obj));
            if (_isSynced)
                tell(new FeedEvent<T>.Synced());
        }
    }

    private void Take(FeedEvent<T> e)
    {
        lock (_gate)
        {
            switch (e)
            {
                case FeedEvent<T>.Observed { Object: var obj }:
                    _known[(obj.Metadata.Namespace, obj.Metadata.Name)] = obj;
                    break;
                case FeedEvent<T>.Gone { Last: var last }:
                    _known.Remove((last.Metadata.Namespace, last.Metadata.Name));
                    break;
                case FeedEvent<T>.Synced:
                    _isSynced = true;
                    break;
            }

            _listeners.RemoveAll(tell => !tell(e));
        }
    }
}

/// <summary>The shared feeds of a process.</summary>
public sealed class SharedFeeds : IExtension
{
    private readonly ConcurrentDictionary<(Type, IKubeClient), Lazy<object>> _feeds = new();
    private readonly IMaterializer _materializer;

    private SharedFeeds(ActorSystem system) => _materializer = system.Materializer();

    /// <summary>Every event of a kind, for as long as the process runs.</summary>
    public static void Follow<T>(ActorSystem system, IKubeClient kubernetes, TimeProvider time, ILogger log, Action<FeedEvent<T>> tell) where T : KubeObject =>
        Of<T>(system, kubernetes, time, log).Follow(e =>
        {
            tell(e);
            return true;
        });

    internal static SharedFeed<T> Of<T>(ActorSystem system, IKubeClient kubernetes, TimeProvider time, ILogger log) where T : KubeObject
    {
        var feeds = system.WithExtension<SharedFeeds, Provider>();
        return (SharedFeed<T>)feeds._feeds.GetOrAdd((typeof(T), kubernetes), _ => new Lazy<object>(() => new SharedFeed<T>(kubernetes, time, log, feeds._materializer))).Value;
    }

    internal sealed class Provider : ExtensionIdProvider<SharedFeeds>
    {
        public override SharedFeeds CreateExtension(ExtendedActorSystem system) => new(system);
    }
}
