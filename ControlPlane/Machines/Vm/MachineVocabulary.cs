namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>Names that a machine's actor writes into objects.</summary>
internal static class MachineVocabulary
{
    /// <summary>On the machine until its instance is gone, and on the instance until its end was seen.</summary>
    public const string Finalizer = "kubevirt.io/virtualMachineControllerFinalize";

    /// <summary>What Kubernetes leaves on an owner whose dependents shall outlive it.</summary>
    public const string OrphanFinalizer = "orphan";

    /// <summary>On an instance: the generation of the machine's spec that it stands for.</summary>
    public const string GenerationAnnotation = "kubevirt.io/vm-generation";

    /// <summary>"false" on a machine puts off its DataVolumes until it is started.</summary>
    public const string ImmediateDataVolumes = "kubevirt.io/immediate-data-volume-creation";

    /// <summary>On an instance that waits for the guest to arrive by a migration.</summary>
    public const string MigrationTarget = "kubevirt.io/create-migration-target";

    public const string Kind = "VirtualMachine";
    public const string ApiVersion = "kubevirt.io/v1";
}
