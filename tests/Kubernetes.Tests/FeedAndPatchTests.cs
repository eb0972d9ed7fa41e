using System.Text.Json.Nodes;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Feeds;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Meta;
using Xunit;

namespace Troupe.Kubernetes.Tests;

public sealed class FeedAndPatchTests
{
    [Fact]
    public void A_relist_tells_what_vanished_what_is_new_and_what_was_replaced_under_its_name()
    {
        var cache = new FeedCache<Pod>();
        cache.Replace([Pod("a", "1", "10"), Pod("b", "2", "11")]);
        var events = cache.Replace([Pod("a", "1", "10"), Pod("b", "3", "20"), Pod("c", "4", "21")]);
        Assert.Equal(["gone 2", "seen 3", "seen 4"], events.Select(e => e switch
        {
            FeedEvent<Pod>.Observed o => $"seen {o.Object.Metadata.Uid}",
            FeedEvent<Pod>.Gone g => $"gone {g.Last.Metadata.Uid}",
            _ => "?",
        }));
        Assert.IsType<FeedEvent<Pod>.Gone>(Assert.Single(cache.Replace([Pod("a", "1", "10"), Pod("b", "3", "20")])));
    }

    [Fact]
    public void A_merge_patch_says_only_what_differs()
    {
        var from = JsonNode.Parse("""{"a":1,"b":{"c":1,"d":2},"l":[1]}""")!.AsObject();
        var to = JsonNode.Parse("""{"a":1,"b":{"c":3},"l":[1,2]}""")!.AsObject();
        Assert.Equal("""{"b":{"c":3,"d":null},"l":[1,2]}""", MergePatch.Between(from, to)!.ToJsonString());
        Assert.Null(MergePatch.Between(from, from.DeepClone().AsObject()));
    }

    [Fact]
    public void Backoff_doubles_up_to_its_bound()
    {
        var (min, max) = (TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(2));
        Assert.Equal([100, 200, 400, 800, 1600, 2000, 2000], Enumerable.Range(0, 7).Select(n => Backoff.Delay(n, min, max, 1).TotalMilliseconds));
        Assert.Equal(50, Backoff.Delay(3, min, max, 0).TotalMilliseconds);
    }

    private static Pod Pod(string name, string uid, string version) => new() { Metadata = new ObjectMeta { Name = name, Namespace = "n", Uid = uid, ResourceVersion = version } };
}
