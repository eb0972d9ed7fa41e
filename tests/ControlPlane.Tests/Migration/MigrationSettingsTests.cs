using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Migration;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Migrations;
using Troupe.Messages.Protocol.Migration;
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

    [Fact]
    public void A_policys_experiments_come_with_KubeVirts_defaults()
    {
        var policy = Policy("p", ("size", "big"), null);
        MigrationOptions Of(ExperimentalMigrationOptions? experimental) => MigrationSettings.Of(null, policy with { Spec = policy.Spec! with { Experimental = experimental } }).Options;

        Assert.Equal((0, null, null), (Of(null).MaxDowntimeMs, Of(null).DowntimeSteps, Of(null).StallDetection));

        var tuned = Of(new ExperimentalMigrationOptions { DowntimeTuning = new DowntimeTuningOptions { Steps = 3 } });
        Assert.Equal((900, new DowntimeSteps(150, 3, 3, 10)), (tuned.MaxDowntimeMs, tuned.DowntimeSteps));

        var detecting = Of(new ExperimentalMigrationOptions { StallDetector = new StallDetectorOptions { StallMargin = 10, EwmaAlpha = new Quantity("500m"), SearchLocalMinima = false } });
        Assert.Equal((900, new StallDetection(0.1, 40, 60, 0.5, 1.5, 0.5, 2, SearchLocalMinima: false)), (detecting.MaxDowntimeMs, detecting.StallDetection));
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
