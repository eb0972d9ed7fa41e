using Troupe.ControlPlane.Migration.Planning;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Xunit;
using static Troupe.ControlPlane.Tests.Migration.MigrationSamples;

namespace Troupe.ControlPlane.Tests.Migration;

public sealed class NodeWatchTests
{
    [Theory]
    [InlineData("true", "-00:05:01", true)]
    [InlineData("true", "-00:04:59", false)]
    [InlineData("false", "-01:00:00", false)]
    [InlineData(null, "-01:00:00", false)]
    [InlineData("true", null, false)]
    [InlineData("true", "soon", false)]
    public void A_node_whose_agent_was_not_heard_for_five_minutes_gets_no_new_guests(string? schedulable, string? heard, bool marked)
    {
        var heartbeat = heard is null ? null : TimeSpan.TryParse(heard, System.Globalization.CultureInfo.InvariantCulture, out var ago) ? (Now + ago).ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture) : heard;
        var node = new Node
        {
            Metadata = new ObjectMeta
            {
                Name = "node-1",
                Uid = "n1",
                Labels = schedulable is null ? null : new Dictionary<string, string> { [Labels.Schedulable] = schedulable },
                Annotations = heartbeat is null ? null : new Dictionary<string, string> { [Annotations.Heartbeat] = heartbeat },
            },
        };
        Assert.Equal(marked ? [new PlannedCall.MarkUnresponsive(node)] : [], NodeWatch.Of(new MigrationWorld([], [], [node], null, Now)));
        Assert.Equal("""{"metadata":{"labels":{"kubevirt.io/schedulable":"false"}}}""", NodeWatch.Patch().ToJsonString());
    }
}
