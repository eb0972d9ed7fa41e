using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Xunit;

namespace Troupe.ControlPlane.Tests.LauncherPod;

/// <summary>What the launcher is told by its command line, and who is there beside it.</summary>
public sealed class LauncherArgumentTests
{
    private static readonly LauncherPodOptions Options = new("launcher", UseEmulation: false);

    [Fact]
    public void Hook_side_cars_meet_the_launcher_in_a_folder_where_each_has_its_own()
    {
        const string Wanted = """
            [{"image":"hook:1","imagePullPolicy":"Always","args":["--version","v1alpha3"],"configMap":{"name":"scripts","key":"run.sh","hookPath":"/usr/bin/onDefineDomain"}},
             {"image":"hook:2","pvc":{"name":"data","volumePath":"/data","sharedComputePath":"/var/run/data"}}]
            """;
        var vmi = Vmi();
        vmi = vmi with { Metadata = vmi.Metadata with { Annotations = new Dictionary<string, string> { [HookSidecarContainers.Annotation] = Wanted } } };
        Assert.Single(LauncherPodRenderer.Render(vmi, "pod", Options).Spec!.Containers!);

        var pod = LauncherPodRenderer.Render(vmi, "pod", Options with { HasHookSidecars = true }).Spec!;
        Assert.Equal(["compute", "hook-sidecar-0", "hook-sidecar-1"], pod.Containers!.Select(c => c.Name));
        var (launcher, first, second) = (pod.Containers![0], pod.Containers[1], pod.Containers[2]);
        Assert.Contains("--hook-sidecars 2", string.Join(' ', launcher.Command!));
        Assert.Contains(launcher.VolumeMounts!, m => m is { Name: "hook-sidecar-sockets", MountPath: "/var/run/kubevirt-hooks", SubPath: null });
        Assert.Contains(launcher.VolumeMounts!, m => m is { Name: "data", MountPath: "/var/run/data" });
        Assert.Equal(("hook:1", "Always", "--version v1alpha3"), (first.Image, first.ImagePullPolicy, string.Join(' ', first.Args!)));
        Assert.Equal("hook-sidecar-0", first.Env!.Single(e => e.Name == "CONTAINER_NAME").Value);
        Assert.Contains(first.VolumeMounts!, m => m is { Name: "hook-sidecar-sockets", MountPath: "/var/run/kubevirt-hooks", SubPath: "hook-sidecar-0" });
        Assert.Contains(first.VolumeMounts!, m => m is { Name: "scripts", MountPath: "/usr/bin/onDefineDomain", SubPath: "run.sh" });
        Assert.Null(first.Command);
        Assert.Contains(second.VolumeMounts!, m => m is { Name: "data", MountPath: "/data" });
        Assert.Equal(0x1ED, pod.Volumes!.Single(v => v.Name == "scripts").ConfigMap!.DefaultMode);
        Assert.Equal("data", pod.Volumes!.Single(v => v.Name == "data").PersistentVolumeClaim!.ClaimName);
    }

    [Fact]
    public void A_hook_side_car_without_an_image_is_a_shim_for_its_script()
    {
        var vmi = Vmi();
        vmi = vmi with { Metadata = vmi.Metadata with { Annotations = new Dictionary<string, string> { [HookSidecarContainers.Annotation] = """[{"args":["--version","v1alpha2"]}]""" } } };
        var shim = LauncherPodRenderer.Render(vmi, "pod", Options with { HasHookSidecars = true }).Spec!.Containers![1];
        Assert.Equal(("launcher", "/usr/bin/virt-launcher --hook-shim", "--version v1alpha2"), (shim.Image, string.Join(' ', shim.Command!), string.Join(' ', shim.Args!)));
    }

    [Fact]
    public void A_guest_has_four_to_six_minutes_to_start_and_a_pod_that_is_rendered_again_the_same()
    {
        var command = LauncherPodRenderer.Render(Vmi(), "pod", Options).Spec!.Containers![0].Command!;
        Assert.Equal(command, LauncherPodRenderer.Render(Vmi(), "pod", Options).Spec!.Containers![0].Command!);
        var timeout = command[command.ToList().IndexOf("--qemu-timeout") + 1];
        Assert.InRange(int.Parse(timeout.TrimEnd('s'), System.Globalization.CultureInfo.InvariantCulture), 240, 359);
    }

    private static VirtualMachineInstance Vmi() => new()
    {
        Metadata = new ObjectMeta { Name = "vmi", Namespace = "ns", Uid = "u" },
        Spec = new VirtualMachineInstanceSpec { Architecture = "amd64", Domain = new DomainSpec { Machine = new Machine { Type = "q35" }, Memory = new Memory { Guest = new Quantity("256Mi") }, Devices = new Devices() } },
    };
}
