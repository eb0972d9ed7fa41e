using Troupe.ControlPlane.Migration;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Migration;
using Xunit;

namespace Troupe.ControlPlane.Tests.Migration;

public sealed class TargetPodTests
{
    [Theory]
    [InlineData(false, new[] { "KILL" })]
    [InlineData(true, new[] { "KILL", "SYS_PTRACE" })]
    public void Only_the_target_of_a_migration_that_may_become_post_copy_may_wait_for_memory_by_userfaultfd(bool allowPostCopy, string[] capabilities)
    {
        var launcher = new Pod
        {
            Metadata = new ObjectMeta { Name = "virt-launcher-demo-abc" },
            Spec = new PodSpec
            {
                Containers =
                [
                    new Container { Name = LauncherPodRenderer.ComputeContainer, SecurityContext = new SecurityContext { Capabilities = new Capabilities { Drop = ["ALL"], Add = ["KILL"] } } },
                    new Container { Name = "hook", SecurityContext = new SecurityContext { Capabilities = new Capabilities { Drop = ["ALL"] } } },
                ],
            },
        };
        var wish = new MigrateVmi("uid", "m", "away", [], new MigrationOptions(0, 0, AutoConverge: false, 0, AllowUnsafe: false, CopyDisks: true) { AllowPostCopy = allowPostCopy }, null, Cancel: false);
        var migration = new OngoingMigration("m", "away", "virt-launcher-demo-xyz", 2, "", MigrationSamples.Now);
        var target = TargetPod.Of(launcher, MigrationSamples.Guest("demo"), migration, wish);
        Assert.Equal(capabilities, target.Spec!.Containers![0].SecurityContext!.Capabilities!.Add);
        Assert.Null(target.Spec.Containers[1].SecurityContext!.Capabilities!.Add);
    }
}
