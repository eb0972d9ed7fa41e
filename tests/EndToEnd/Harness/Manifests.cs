namespace Troupe.EndToEnd.Harness;

public static class Manifests
{
    /// <summary>The demo guest under another name: direct kernel boot, one masquerade NIC.</summary>
    public static string Demo(string name, string? node = null, string image = "registry.troupe.local/demo-guest-kernel:latest") => $$"""
        apiVersion: kubevirt.io/v1
        kind: VirtualMachineInstance
        metadata:
          name: {{name}}
        spec:
          terminationGracePeriodSeconds: 10
          {{NodeSelector(node)}}
          domain:
            memory: {guest: 128Mi}
            firmware:
              kernelBoot:
                kernelArgs: "console=ttyS0"
                container: {image: "{{image}}", kernelPath: /boot/vmlinuz, initrdPath: /boot/initrd.gz}
            devices:
              rng: {}
              interfaces: [{name: default, masquerade: {} }]
          networks: [{name: default, pod: {} }]
        """;

    public static string Migration(string name, string vmi) => $$"""
        apiVersion: kubevirt.io/v1
        kind: VirtualMachineInstanceMigration
        metadata: {name: {{name}}}
        spec: {vmiName: {{vmi}}}
        """;

    private static string NodeSelector(string? node) => node is null ? "" : "nodeSelector: {kubernetes.io/hostname: " + node + "}";
}
