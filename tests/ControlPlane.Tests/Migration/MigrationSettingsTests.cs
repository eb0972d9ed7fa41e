using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Migration;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Migrations;
using Xunit;

namespace Troupe.ControlPlane.Tests.Migration;

public sealed class MigrationSettingsTests
{
    [Fact]
    public void The_policy_with_the_most_matching_labels_overrides_the_configuration()
    {
        var configuration = new MigrationConfiguration { AllowAutoConverge = false, CompletionTimeoutPerGiB = 80, BandwidthPerMigration = new Quantity("64Mi") };
        var settings = MigrationSettings.Of(configuration, MigrationPolicies.Match(
            [Policy("broad", ("size", "big"), null), Policy("narrow", ("size", "big"), ("team", "x")), Policy("other", ("size", "small"), null)],
            new Dictionary<string, string> { ["size"] = "big" }, new Dictionary<string, string> { ["team"] = "x" }));
        Assert.Equal(("narrow", true, 80L, 64L << 20), (settings.Policy, settings.Options.AutoConverge, settings.Options.CompletionTimeoutPerGiB, settings.Options.BandwidthBytesPerSecond));
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
        Assert.Equal(["InterfaceNotLiveMigratable", "DisksNotLiveMigratable"], LiveMigratable.Blockers(vmi, GuestSettings.Default).Select(b => b.Reason));
    }

    [Theory]
    [InlineData("migration", "kubevirt/migration")]
    [InlineData("net/migration", "net/migration")]
    [InlineData("", null)]
    public void The_migration_network_is_looked_for_beside_the_KubeVirt_object(string network, string? attachment)
    {
        var configuration = new MigrationConfiguration { Network = network };
        Assert.Equal(attachment, ClusterConfigReader.Read(MigrationSamples.Installation(new KubeVirtConfiguration { Migrations = configuration })).MigrationNetwork);
        Assert.Equal(network.Length == 0 ? null : network, MigrationSettings.Of(configuration, null).Options.Network);
    }

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
