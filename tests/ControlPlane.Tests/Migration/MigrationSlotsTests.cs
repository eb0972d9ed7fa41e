using Troupe.ControlPlane.Migration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Migrations;
using Xunit;

namespace Troupe.ControlPlane.Tests.Migration;

public sealed class MigrationSlotsTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_most_urgent_goes_first_and_then_the_oldest() =>
        Assert.Equal(["drain", "hotplug", "old"], MigrationSlots.Grant([Waiting("new", 3), Waiting("old", 1), Waiting("hotplug", 4, "user-triggered"), Waiting("drain", 5, "system-critical")], 3, 9));

    [Fact]
    public void A_full_source_node_does_not_hold_up_the_others() =>
        Assert.Equal(["d"], MigrationSlots.Grant([Granted("a", "n1"), Granted("b", "n1"), Waiting("c", 1, node: "n1"), Waiting("d", 2, node: "n2")], 5, 2));

    [Fact]
    public void The_cluster_never_has_more_than_its_limit() =>
        Assert.Equal(["c"], MigrationSlots.Grant([Granted("a", "n1"), Waiting("c", 1, node: "n2"), Waiting("d", 2, node: "n3")], 2, 2));

    [Fact]
    public void The_policy_with_the_most_matching_labels_overrides_the_configuration()
    {
        var configuration = new MigrationConfiguration { AllowAutoConverge = false, CompletionTimeoutPerGiB = 80, BandwidthPerMigration = new Quantity("64Mi") };
        var settings = MigrationSettings.Of(configuration, MigrationPolicies.Match(
            [Policy("broad", ("size", "big"), null), Policy("narrow", ("size", "big"), ("team", "x")), Policy("other", ("size", "small"), null)],
            new Dictionary<string, string> { ["size"] = "big" }, new Dictionary<string, string> { ["team"] = "x" }));
        Assert.Equal(("narrow", true, 80L, 64L << 20), (settings.Policy, settings.Options.AutoConverge, settings.Options.CompletionTimeoutPerGiB, settings.Options.BandwidthBytesPerSecond));
        Assert.Equal((5L, 2L), (settings.ParallelPerCluster, settings.ParallelOutboundPerNode));
    }

    [Fact]
    public void Everything_that_keeps_a_guest_from_moving_is_named()
    {
        var vmi = new VirtualMachineInstance
        {
            Spec = new VirtualMachineInstanceSpec
            {
                Networks = [new Network { Name = "default", Pod = new PodNetwork() }],
                Volumes = [new Volume { Name = "disk", HostDisk = new HostDisk { Path = "/d" } }],
                Domain = new DomainSpec { Devices = new Devices { Interfaces = [new Interface { Name = "default", Bridge = new InterfaceBridge() }] } },
            },
        };
        Assert.Equal(["InterfaceNotLiveMigratable", "DisksNotLiveMigratable"], LiveMigratable.Blockers(vmi).Select(b => b.Reason));
    }

    private static QueuedMigration Waiting(string id, int minute, string? priority = null, string? node = null) => new(id, priority, Now.AddMinutes(minute), node ?? id, IsGranted: false);

    private static QueuedMigration Granted(string id, string node) => new(id, null, Now, node, IsGranted: true);

    private static MigrationPolicy Policy(string name, (string, string) vmi, (string, string)? ns) => new()
    {
        Metadata = new ObjectMeta { Name = name },
        Spec = new MigrationPolicySpec
        {
            AllowAutoConverge = true,
            Selectors = new MigrationPolicySelectors
            {
                VirtualMachineInstanceSelector = new Dictionary<string, string> { [vmi.Item1] = vmi.Item2 },
                NamespaceSelector = ns is var (key, value) ? new Dictionary<string, string> { [key] = value } : null,
            },
        },
    };
}
