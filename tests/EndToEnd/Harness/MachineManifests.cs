namespace Troupe.EndToEnd.Harness;

/// <summary>VirtualMachines around the demo guest. One that is told to end while it boots does not notice the power button, and no test waits for it long.</summary>
public static class MachineManifests
{
    /// <param name="running">How it is to run, as a line of the machine's spec: `runStrategy: Always`.</param>
    /// <param name="kernel">Path in the image; one that is not there makes a guest that never starts.</param>
    public static string Of(string name, string running, string kernel = "/boot/vmlinuz") => $$"""
        apiVersion: kubevirt.io/v1
        kind: VirtualMachine
        metadata:
          name: {{name}}
        spec:
          {{running}}
          template:
            metadata:
              labels: {machine: {{name}}}
            spec:
              terminationGracePeriodSeconds: 2
              domain:
                memory: {guest: 128Mi}
                firmware:
                  kernelBoot:
                    kernelArgs: "console=ttyS0 quiet no_timer_check tsc=reliable cryptomgr.notests nokaslr"
                    container: {image: "registry.troupe.local/demo-guest-kernel:latest", kernelPath: {{kernel}}, initrdPath: /boot/initrd.gz}
                devices:
                  rng: {}
                  interfaces: [{name: default, masquerade: {} }]
              networks: [{name: default, pod: {} }]
        """;
}
