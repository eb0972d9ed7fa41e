using Troupe.EndToEnd.Harness;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>A side-car changes the domain, and the guest sees it.</summary>
[Trait("Category", "Real"), Collection(SharedCluster.Collection)]
public sealed class HookTests(SharedCluster shared)
{
    private TroupeCluster Cluster => shared.Cluster;

    [Fact]
    public async Task A_script_in_a_config_map_gives_the_guest_another_base_board()
    {
        (await Cluster.Apply("""
            {"apiVersion":"kubevirt.io/v1","kind":"KubeVirt","metadata":{"name":"kubevirt"},"spec":{"configuration":{"developerConfiguration":{"featureGates":["Sidecar"]}}}}
            """)).Require();
        // Of the VMI it reads who is to have made the board.
        (await Cluster.Apply("""
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: board}
            data:
              board.sh: |
                #!/bin/sh
                maker=$(printf '%s' "$2" | sed -n 's/.*"smbios.vm.kubevirt.io.baseBoardManufacturer":"\([^"]*\)".*/\1/p')
                printf '%s' "$4" | sed "s|</sysinfo>|<baseBoard><entry name='manufacturer'>$maker</entry></baseBoard></sysinfo>|"
            """)).Require();
        var manifest = Manifests.Demo("hooked").Replace("  name: hooked", """
              name: hooked
              annotations:
                hooks.kubevirt.io/hookSidecars: '[{"args": ["--version", "v1alpha3"], "configMap": {"name": "board", "key": "board.sh", "hookPath": "/usr/bin/onDefineDomain"} }]'
                smbios.vm.kubevirt.io/baseBoardManufacturer: Radical Edward
            """, StringComparison.Ordinal);
        await TroupeCluster.Eventually("side-cars are allowed", async () => (await Cluster.Apply(manifest)).ExitCode == 0);
        await Cluster.Phase("hooked", "Running");
        await using (var console = new ConsoleSession(Cluster, "hooked"))
        {
            await console.LogIn("root");
            Assert.Contains("Radical Edward", await console.Run("cat /sys/class/dmi/id/board_vendor"));
        }

        var pod = (await Cluster.Kubectl("get", "pods", "-l", "vm.kubevirt.io/name=hooked", "-o", "name")).Require().Trim();
        Assert.Contains("running onDefineDomain", (await Cluster.Kubectl("logs", pod, "-c", "hook-sidecar-0")).Require());
        (await Cluster.Kubectl("delete", "vmi/hooked", "configmap/board", "kubevirt/kubevirt", "--timeout=60s")).Require();
    }
}
